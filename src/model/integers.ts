import { AssayError } from "#core";
import {
  attribute,
  castTypes,
  describeNode,
  type Graph,
  type Node,
  readNames,
  type ValueInfo,
} from "#onnx";

/**
 * The embeddings of a text model: the value in which each token of the input
 * has become a vector, where gradients with respect to tokens are taken.
 * Undefined when the input is not looked up in a table.
 */
export function embeddingOf(graph: Graph, input: string): string | undefined {
  const ids = new Set([input]);
  for (const node of graph.nodes) {
    const [first = "", second = ""] = node.inputs;
    const table = graph.constants.get(first);
    if (
      node.op === "Gather" &&
      ids.has(second) &&
      table?.type === "float32" &&
      table.dims.length === 2
    )
      return node.outputs[0];
    if (passes.has(node.op) && ids.has(first))
      ids.add(node.outputs[0] as string);
  }
  return undefined;
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
