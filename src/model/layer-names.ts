import type { Node } from "#onnx";

/** What a layer is called by its operator when nothing else names it. */
const kinds: Readonly<Record<string, string>> = {
  Conv: "conv",
  ConvTranspose: "deconv",
  DeformConv: "conv",
  Gemm: "linear",
  MatMul: "linear",
  Einsum: "linear",
  Gather: "embedding",
  LSTM: "lstm",
  GRU: "gru",
  RNN: "rnn",
};

export const kindOf = (node: Node): string =>
  Object.hasOwn(kinds, node.op)
    ? kinds[node.op]!
    : /Norm/.test(node.op)
      ? "norm"
      : "layer";

/**
 * The layer that the name of a weight tells: "layer1.0.conv1" of
 * "layer1.0.conv1.weight", "dense_1" of "dense_1/MatMul/ReadVariableOp:0".
 * Undefined for names that exporters invent, which tell none.
 */
export function layerOfWeight(name: string): string | undefined {
  const pathless = tensorFlowLayer(name);
  if (pathless) return pathless;
  if (isInvented(name)) return undefined;
  return (
    /^(.+)[./](?:in_proj_)?(?:weight|bias)(?:_(?:ih|hh)_l\d+(?:_reverse)?|_orig|_[gv])?$/.exec(
      name,
    )?.[1] ??
    /^(.+)[./](?:kernel|gamma|beta|scale|alpha|[WwRrBb])$/.exec(name)?.[1] ??
    /^(.+)_(?:weight|bias|kernel)$/.exec(name)?.[1]
  );
}

/** Whether an exporter or optimiser made a name up. */
export const isInvented = (name: string): boolean =>
  /^(onnx::|val_\d|\d+$|upgrade\/|expand\/|batch\/|const_fold|ortshared)|(^|\/)constant_?\d*$|_output_\d+$|__\d+$/i.test(
    name,
  );

/** Keras names weights by the operations that read them. */
function tensorFlowLayer(name: string): string | undefined {
  if (!/ReadVariableOp|:\d+$/.test(name) || !name.includes("/"))
    return undefined;
  const parts = name
    .replace(/:\d+$/, "")
    .replace(/^StatefulPartitionedCall\//, "")
    .split("/");
  while (parts.length > 1 && isOperation(parts.at(-1) as string)) parts.pop();
  return parts.join("/");
}

const isOperation = (part: string) =>
  /^(ReadVariableOp|resource|BiasAdd|Cast|MatMul|Conv2D|Conv1D|convolution|depthwise|separable_conv2d|Reshape|Tensordot|einsum|Einsum|Add|add|Mul|mul|Sub|sub|batchnorm|split|transpose|Transpose|Squeeze|ExpandDims|kernel|bias|gamma|beta|embeddings|embedding_lookup|merged_input|x|y)(_\d+)?$/.test(
    part,
  );

/**
 * The module of a node, as PyTorch's exporters write it: into its metadata, or
 * into its name, "layer1.0.conv1" of "/layer1/layer1.0/conv1/Conv". Undefined at
 * the root.
 */
export function scopeOf(node: Node): string | undefined {
  if (node.scope) return node.scope;
  if (!node.name.startsWith("/")) return undefined;
  const parts = node.name.split("/").slice(1, -1).filter(Boolean);
  const whole: string[] = [];
  for (const part of parts) {
    // A path inside a list repeats the list: "/layer1/layer1.0".
    const last = whole.at(-1);
    if (last !== undefined && part.startsWith(`${last}.`)) whole.pop();
    whole.push(part);
  }
  return whole.length > 0 ? whole.join(".") : undefined;
}
