import { AssayError } from "#core";
import {
  attribute,
  castTypes,
  describeNode,
  type Graph,
  type Node,
  readNames,
  type Tensor,
  type ValueInfo,
} from "#onnx";

/**
 * The embeddings of a text model: the value in which each token of the input
 * has become a vector of floats, where gradients with respect to tokens are
 * taken. A table of eight bits is looked up before it is dequantised.
 * Undefined when the input is not looked up in a table.
 */
export function embeddingOf(graph: Graph, input: string): string | undefined {
  const ids = new Set([input]);
  const quantised = new Set<string>();
  for (const node of graph.nodes) {
    const [first = "", second = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const table = graph.constants.get(first);
    if (node.op === "Gather" && ids.has(second) && table?.dims.length === 2) {
      if (table.type === "float32") return output;
      if (/^u?int8$/.test(table.type)) quantised.add(output);
    }
    if (node.op === "DequantizeLinear" && quantised.has(first)) return output;
    if (passes.has(node.op) && ids.has(first)) ids.add(output);
  }
  return undefined;
}

/** The table in which the tokens of a text model are looked up. */
export function embeddingTable(
  graph: Graph,
  embedding: string,
): Tensor | undefined {
  const madeOf = (value: string) =>
    graph.nodes.find((n) => n.outputs.includes(value))?.inputs[0] ?? "";
  const first = madeOf(embedding);
  return graph.constants.get(first) ?? graph.constants.get(madeOf(first));
}

/**
 * Samples in the type of a model's input: token ids that a dataset holds as
 * floats become whole numbers for a text model; all else stays.
 *
 * @throws MODEL_INPUT for a number that is no token id
 */
export function asFed<T extends Tensor>(
  x: T,
  graph: Graph,
  input: string,
): T | Tensor<"int64"> | Tensor<"int32"> {
  const type = graph.inputs.find((i) => i.name === input)?.type;
  if (x.type !== "float32" || (type !== "int64" && type !== "int32")) return x;
  const values = x.data as Float32Array;
  const bad = values.find((v) => !Number.isInteger(v));
  if (bad !== undefined)
    throw new AssayError(
      "MODEL_INPUT",
      `input "${input}" is of token ids, and was given ${bad}`,
      "Text models take data with source: text, without noise or augmentation.",
    );
  return type === "int64"
    ? { type, dims: x.dims, data: BigInt64Array.from(values, BigInt) }
    : { type, dims: x.dims, data: Int32Array.from(values) };
}

/** Operators that leave token ids what they are. */
const passes: ReadonlySet<string> = new Set(
  "Cast Flatten Identity Reshape Squeeze Unsqueeze".split(" "),
);

/** Operators that only move elements, whatever their type. */
const movers: ReadonlySet<string> = new Set(
  "Cast Concat Expand Flatten Gather Identity Pad Reshape Slice Split Squeeze Tile Transpose Unsqueeze".split(
    " ",
  ),
);

/**
 * The graph of a model that takes whole numbers (pixels as uint8), taking
 * floats instead: what was moved as integers until a Cast to float is moved as
 * floats. The input still has to be rounded in front.
 *
 * @throws MODEL_INPUT when an operator computes with the integers
 */
export function takeFloats(
  graph: Graph,
  input: ValueInfo,
  file: string,
): Graph {
  const changed = new Set([input.name]);
  const nodes = graph.nodes.map((node): Node => {
    if (!readNames(node).some((name) => changed.has(name))) return node;
    if (node.op === "Shape" || node.op === "Size") return node;
    if (!movers.has(node.op)) {
      throw new AssayError(
        "MODEL_INPUT",
        `${file}: ${describeNode(node)} computes with the ${input.type} input "${input.name}" as integers`,
        "Export the model so that it casts its input to float first.",
      );
    }
    if (node.op !== "Cast") {
      for (const name of node.outputs) changed.add(name);
      return node;
    }
    if (castTypes[attribute(node, "to", "int", 0)] === "float32") return node;
    for (const name of node.outputs) changed.add(name);
    return { ...node, op: "Identity", attributes: {} };
  });
  return {
    ...graph,
    nodes,
    inputs: graph.inputs.map((i) =>
      i.name === input.name ? { ...i, type: "float32" } : i,
    ),
    valueInfo: graph.valueInfo.filter((v) => !changed.has(v.name)),
  };
}
