import type { GraphBuilder } from "../builder.ts";
import { axisOf } from "../dims.ts";
import { type Attributes, attribute, float, int, type Node } from "../graph.ts";
import {
  cannotExpand,
  type ExpandContext,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/** Gaussian error linear unit, exact (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
export const gelu = (b: GraphBuilder, x: string) =>
  b.mul(b.mul(x, 0.5), b.add(b.op("Erf", [b.mul(x, Math.SQRT1_2)]), 1));

/** Its approximation by tanh. */
export function fastGelu(b: GraphBuilder, x: string): string {
  const cube = b.mul(b.mul(b.mul(x, x), x), 0.044715);
  const inner = b.mul(b.add(x, cube), Math.sqrt(2 / Math.PI));
  return b.mul(b.mul(x, 0.5), b.add(b.op("Tanh", [inner]), 1));
}

const plus = (b: GraphBuilder, x: string, y: string | undefined) =>
  y ? b.add(x, y) : x;

/**
 * x divided by its root mean square over the axes from `axis` on, and one over that.
 */
function rmsNorm(
  { b, node }: ExpandContext,
  x: string,
  axis: number,
): { normed: string; inverse: string } {
  const rank = b.rankedDims(x).length;
  const first = axisOf(axis, rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const square = b.op("ReduceMean", [b.mul(x, x), b.ints(axes)], {
    keepdims: int(1),
  });
  const epsilon = attribute(node, "epsilon", "float", 1e-5);
  const inverse = b.op("Reciprocal", [b.sqrt(b.add(square, epsilon))]);
  return { normed: b.mul(x, inverse), inverse };
}

const simplifiedLayerNorm: Expansion = (context) => {
  const { b, node, inputs } = context;
  const [x = "", scale = ""] = inputs;
  const axis = attribute(node, "axis", "int", -1);
  const { normed, inverse } = rmsNorm(context, x, axis);
  return [b.mul(normed, scale), inverse];
};

/** Layer normalisation of a sum. The sum itself is the fourth output. */
const skipLayerNorm: Expansion = ({ b, node, inputs }) => {
  const [x = "", skip = "", gamma = "", beta, bias] = inputs;
  const sum = plus(b, b.add(x, skip), bias);
  const zero = () => b.mul(gamma, 0);
  const outputs = b.many(
    "LayerNormalization",
    [sum, gamma, beta || zero()],
    {
      axis: int(-1),
      epsilon: float(attribute(node, "epsilon", "float", 1e-12)),
    },
    3,
  );
  return [...outputs, sum];
};

const skipSimplifiedLayerNorm: Expansion = (context) => {
  const { b, inputs } = context;
  const [x = "", skip = "", gamma = "", bias] = inputs;
  const sum = plus(b, b.add(x, skip), bias);
  const { normed, inverse } = rmsNorm(context, sum, -1);
  return [b.mul(normed, gamma), undefined, inverse, sum];
};

/** Embeddings of words, positions and segments, summed and normalised (BERT). */
const embedLayerNorm: Expansion = ({ b, node, inputs }) => {
  const [
    ids = "",
    segments,
    words = "",
    places = "",
    types,
    gamma,
    beta,
    mask,
    at,
  ] = inputs;
  const length = b.rankedDims(ids)[1];
  if (!at && typeof length !== "number") {
    throw cannotExpand(
      node,
      "the length of its text is not known",
      "Export the model with a fixed sequence length.",
    );
  }
  const first = at
    ? b.op("Gather", [places, at])
    : b.op("Gather", [
        places,
        b.ints(Array.from({ length: length as number }, (_, i) => i)),
      ]);
  const parts = [b.op("Gather", [words, ids]), first];
  if (segments && types) parts.push(b.op("Gather", [types, segments]));
  const sum = parts.reduce((x, y) => b.add(x, y));
  const normed = b.op("LayerNormalization", [sum, gamma ?? "", beta ?? ""], {
    axis: int(-1),
    epsilon: float(attribute(node, "epsilon", "float", 1e-12)),
  });
  // The number of real tokens; 0 of each text when there is no mask.
  const counted = b.cast(mask || b.mul(ids, 0), "int64");
  const seen = b.cast(b.reduceSum(counted, [1]), "int32");
  return [normed, seen, sum];
};

/**
 * MatMul with operands transposed first: their last two axes, or their
 * batch axes as well.
 */
const fusedMatMul: Expansion = ({ b, node, inputs: [x = "", y = ""] }) => {
  const flag = (name: string) => attribute(node, name, "int", 0) === 1;
  const operand = (v: string, batch: string, last: string) => {
    const rank = b.rankedDims(v).length;
    const order = Array.from({ length: rank }, (_, i) => i);
    // The batch axes change places with the axis behind them: [a, b, c, d]
    // becomes [b, c, a, d].
    const moved = flag(batch)
      ? b.transpose(v, [...order.slice(1, rank - 1), 0, rank - 1])
      : v;
    return flag(last) && rank > 1 ? b.transposeLast(moved) : moved;
  };
  const product = b.matmul(
    operand(x, "transBatchA", "transA"),
    operand(y, "transBatchB", "transB"),
  );
  const alpha = attribute(node, "alpha", "float", 1);
  return [alpha === 1 ? product : b.mul(product, alpha)];
};

/** The activation that was fused into a layer, by its name and numbers. */
function activate(
  { b, node }: ExpandContext,
  x: string,
  numbers: readonly number[],
): string {
  const name = attribute(node, "activation", "string", "");
  const [first = 0, second = 0] = numbers;
  switch (name) {
    case "":
      return x;
    case "Relu":
    case "Tanh":
    case "Sigmoid":
    case "Softplus":
    case "Softsign":
      return b.op(name, [x]);
    case "LeakyRelu":
    case "Elu":
    case "ThresholdedRelu":
      return b.op(name, [x], { alpha: float(first) });
    case "HardSigmoid":
      return b.op(name, [x], { alpha: float(first), beta: float(second) });
    case "Clip":
      return b.op("Clip", [x, b.scalar(first), b.scalar(second)]);
  }
  throw cannotExpand(
    node,
    `its activation "${name}" is not known`,
    "Save the model without ONNX Runtime's optimisations.",
  );
}

const without = (node: Node, ...names: string[]): Attributes =>
  Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !names.includes(name)),
  );

const fusedConv: Expansion = (context) => {
  const { b, node, inputs } = context;
  const [x = "", w = "", bias, added] = inputs;
  const conv = b.op(
    "Conv",
    bias ? [x, w, bias] : [x, w],
    without(node, "activation", "activation_params"),
  );
  const numbers = attribute(node, "activation_params", "floats", []);
  return [activate(context, plus(b, conv, added), numbers)];
};

const fusedGemm: Expansion = (context) => {
  const { b, node, inputs } = context;
  const names = ["alpha", "beta", "gamma"].map((n) => `activation_${n}`);
  const product = b.op(
    "Gemm",
    inputs.filter(Boolean),
    without(node, "activation", ...names),
  );
  const numbers = names.map((name) => attribute(node, name, "float", 0));
  return [activate(context, product, numbers)];
};

const swish: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const alpha = attribute(node, "alpha", "float", 1);
  return [b.mul(x, b.sigmoid(alpha === 1 ? x : b.mul(x, alpha)))];
};

/** What ONNX Runtime's optimiser fuses, and ONNX's own composite layers. */
export const fused: ExpansionTable = {
  Swish: swish,
  RMSNormalization: (context) => simplifiedLayerNorm(context).slice(0, 1),
  SimplifiedLayerNormalization: simplifiedLayerNorm,
  "com.microsoft.Gelu": ({ b, inputs: [x = ""] }) => [gelu(b, x)],
  "com.microsoft.FastGelu": ({ b, inputs: [x = "", bias] }) => [
    fastGelu(b, plus(b, x, bias)),
  ],
  "com.microsoft.BiasGelu": ({ b, inputs: [x = "", bias = ""] }) => [
    gelu(b, b.add(x, bias)),
  ],
  "com.microsoft.QuickGelu": ({ b, node, inputs: [x = ""] }) => {
    const alpha = attribute(node, "alpha", "float", 1.702);
    return [b.mul(x, b.sigmoid(b.mul(x, alpha)))];
  },
  "com.microsoft.BiasSplitGelu": ({ b, inputs: [x = "", bias = ""] }) => {
    const [value = "", gate = ""] = b.many(
      "Split",
      [b.add(x, bias)],
      { axis: int(-1), num_outputs: int(2) },
      2,
    );
    return [b.mul(value, gelu(b, gate))];
  },
  "com.microsoft.BiasAdd": ({ b, inputs: [x = "", bias = "", skip = ""] }) => [
    b.add(b.add(x, bias), skip),
  ],
  "com.microsoft.SimplifiedLayerNormalization": simplifiedLayerNorm,
  "com.microsoft.SkipLayerNormalization": skipLayerNorm,
  "com.microsoft.SkipSimplifiedLayerNormalization": skipSimplifiedLayerNorm,
  "com.microsoft.EmbedLayerNormalization": embedLayerNorm,
  "com.microsoft.FusedMatMul": fusedMatMul,
  "com.microsoft.TransposeMatMul": fusedMatMul,
  "com.microsoft.FusedConv": fusedConv,
  "com.microsoft.FusedGemm": fusedGemm,
};
