import { withoutGradient } from "#autodiff";
import { type Graph, type GraphBuilder, type Node, readNames } from "#onnx";
import { embeddingOf } from "./integers.ts";

/**
 * The values that hold what the input says: computed from a float input, or
 * looked up in a table by token ids; and what layers make of constants, such as
 * a position bias that a small network gives. What is only computed from ids (masks,
 * positions) or from shapes is not among them. Of these, `raw` are those that no
 * layer has changed yet.
 */
export function signals(
  graph: Graph,
  b: GraphBuilder,
  isLayer: (node: Node) => boolean,
): { signal: ReadonlySet<string>; raw: ReadonlySet<string> } {
  const names = graph.inputs.map((i) => i.name);
  const floats = names.filter((name) => isFloat(b, name));
  const isText = names.some((name) => embeddingOf(graph, name) !== undefined);
  const raw = new Set(floats.length > 0 || isText ? floats : names);
  const signal = new Set(raw);
  const read = new Set(names);
  for (const node of graph.nodes) {
    if (node.op === "Shape" || node.op === "Size") continue;
    const inputs = readNames(node);
    if (inputs.some((name) => read.has(name)))
      for (const o of node.outputs) read.add(o);
    const [first = "", second = ""] = node.inputs;
    // Tables of eight bits are looked up before they are dequantised.
    const isTable =
      isFloat(b, first) ||
      /^u?int8$/.test(graph.constants.get(first)?.type ?? "");
    const looksUp = node.op === "Gather" && read.has(second) && isTable;
    const isReached = inputs.some((name) => signal.has(name));
    if (!looksUp && !isReached && !isLayerOfTable(node, graph)) continue;
    for (const o of node.outputs) if (o) signal.add(o);
    const isRaw = inputs.every((name) => raw.has(name) || !signal.has(name));
    if (!isLayer(node) && isRaw)
      for (const o of node.outputs) if (o) raw.add(o);
  }
  return { signal, raw };
}

/**
 * Whether a node multiplies a constant from the right by a matrix, as linear layers do.
 */
export function isLayerOfTable({ op, inputs }: Node, graph: Graph): boolean {
  if (op !== "MatMul" && op !== "Gemm") return false;
  const matrix = graph.constants.get(inputs[1] ?? "");
  return (
    matrix?.type === "float32" &&
    matrix.dims.length === 2 &&
    matrix.dims.every((d) => d > 1)
  );
}

const isFloat = (b: GraphBuilder, name: string) => b.type(name) === "float32";

/** The values on which the outputs depend smoothly. */
export function smoothly(graph: Graph, b: GraphBuilder): ReadonlySet<string> {
  const smooth = new Set(graph.outputs.map((o) => o.name));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => smooth.has(o))) continue;
    if (node.domain === "" && withoutGradient.has(node.op)) continue;
    // Integers pass gradients on where a DequantizeLinear ends them (see
    // activity.ts of autodiff).
    const whole =
      /quantize|QLinear|Integer/i.test(node.op) ||
      node.outputs.some((o) => o && smooth.has(o) && !isFloat(b, o));
    for (const name of readNames(node))
      if (whole || isFloat(b, name)) smooth.add(name);
  }
  return smooth;
}
