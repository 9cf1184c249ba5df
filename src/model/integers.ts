import { AssayError } from "#core";
import {
  attribute,
  castTypes,
  describeNode,
  filled,
  type Graph,
  type Node,
  readNames,
  type Tensor,
  type ValueInfo,
} from "#onnx";

/**
 * The embeddings of a text model: the value in which each token of the input has
 * become a vector of floats, where gradients with respect to tokens are taken. The
 * table may be looked up, or multiplied by tokens that are one-hot. It may be of
 * eight bits, which are made floats before or behind. Undefined when the input is not
 * looked up in a table.
 */
export function embeddingOf(graph: Graph, input: string): string | undefined {
  const ids = new Set([input]);
  const integers = new Set<string>();
  const hot = new Set<string>();
  const tables = tablesOf(graph);
  for (const node of graph.nodes) {
    const [first = "", second = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const type = tables.get(first)?.type;
    if (node.op === "Gather" && ids.has(second) && type !== undefined) {
      if (type === "float32") return output;
      integers.add(output);
    }
    if (node.op === "DequantizeLinear" && integers.has(first)) return output;
    if (node.op === "Cast" && integers.has(first))
      return scaledFrom(output, graph);
    const isHot =
      node.op === "OneHot"
        ? ids.has(first)
        : node.op === "Equal" && (ids.has(first) || ids.has(second));
    if (isHot || (hot.has(first) && passes.has(node.op))) hot.add(output);
    if (node.op === "MatMul" && hot.has(first) && tables.has(second))
      return output;
    if (passes.has(node.op) && ids.has(first)) ids.add(output);
  }
  return undefined;
}

/** Operators that make floats of a table of eight bits, or scale one. */
const scales: ReadonlySet<string> = new Set(
  "Add Cast DequantizeLinear Div Identity Mul Sub".split(" "),
);

/**
 * Matrices that are constants, or made of one by scaling it; with the
 * type that they have.
 */
function tablesOf(graph: Graph): ReadonlyMap<string, { type: string }> {
  const tables = new Map<string, { type: string }>();
  for (const [name, { type, dims }] of graph.constants)
    if (dims.length === 2 && /^float32$|^u?int8$/.test(type))
      tables.set(name, { type });
  for (const { op, inputs, outputs } of graph.nodes) {
    const [first = "", ...rest] = inputs;
    const isTable = tables.has(first) && scales.has(op);
    if (isTable && rest.every((name) => !name || graph.constants.has(name)))
      tables.set(outputs[0]!, {
        type: /^(Cast|DequantizeLinear)$/.test(op)
          ? "float32"
          : tables.get(first)!.type,
      });
  }
  return tables;
}

/** A value behind what scales it by constants. */
function scaledFrom(value: string, graph: Graph): string {
  const reader = graph.nodes.find((n) => n.inputs.includes(value));
  const others = reader?.inputs.filter((name) => name && name !== value) ?? [];
  const isScale =
    reader &&
    scales.has(reader.op) &&
    others.every((name) => graph.constants.has(name));
  return isScale ? scaledFrom(reader.outputs[0]!, graph) : value;
}

/** The table in which the tokens of a text model are looked up. */
export function embeddingTable(
  graph: Graph,
  embedding: string,
): Tensor | undefined {
  const constant = graph.constants.get(embedding);
  if (constant) return constant;
  const maker = graph.nodes.find((n) => n.outputs.includes(embedding));
  if (!maker) return undefined;
  return embeddingTable(
    graph,
    maker.inputs[maker.op === "MatMul" ? 1 : 0] ?? "",
  );
}

/**
 * Samples in the type of a model's input: token ids that a dataset holds as floats
 * become whole numbers for a text model. All else stays.
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
  "Cast Expand Flatten Identity Reshape Squeeze Unsqueeze".split(" "),
);

/** Operators that only move elements, whatever their type. */
const movers: ReadonlySet<string> = new Set(
  "Cast Concat Expand Flatten Gather Identity Pad Reshape Slice Split Squeeze Tile Transpose Unsqueeze".split(
    " ",
  ),
);

/** What reads integers of eight bits. */
const quantised = /^(DequantizeLinear|QLinear.*|(Conv|MatMul)Integer)$/;

/**
 * The graph of a model that takes whole numbers (pixels as uint8), taking
 * floats instead: what was moved as integers until a Cast to float is moved as
 * floats, and becomes integers again where a quantised operator reads it, over which
 * gradients pass. The input still has to be rounded in front.
 *
 * @throws MODEL_INPUT when an operator computes with the integers
 */
export function takeFloats(
  graph: Graph,
  input: ValueInfo,
  file: string,
): Graph {
  const changed = new Set([input.name]);
  const { type } = input;
  const ofEight = type === "uint8" || type === "int8";
  const rounded = new Set<string>();
  const nodes = graph.nodes.flatMap((node): Node | Node[] => {
    if (!readNames(node).some((name) => changed.has(name))) return node;
    if (node.op === "Shape" || node.op === "Size") return node;
    if (ofEight && quantised.test(node.op)) {
      const taken = node.inputs.filter((name) => changed.has(name));
      const fresh = [...new Set(taken)].filter((name) => !rounded.has(name));
      for (const name of fresh) rounded.add(name);
      const inputs = node.inputs.map((n) => (changed.has(n) ? again(n) : n));
      return [...fresh.map(roundedAgain), { ...node, inputs }];
    }
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
    constants:
      ofEight && rounded.size > 0
        ? new Map([
            ...graph.constants,
            [ONE, filled("float32", [], 1)],
            [ZERO, filled(type, [], 0)],
          ])
        : graph.constants,
  };
}

const [ONE, ZERO] = ["integers/one", "integers/zero"];

const again = (name: string) => `integers/${name}`;

/** The whole numbers that floats are, in the type of the zero. */
const roundedAgain = (name: string): Node => ({
  op: "QuantizeLinear",
  domain: "",
  name: again(name),
  inputs: [name, ONE, ZERO],
  outputs: [again(name)],
  attributes: {},
});
