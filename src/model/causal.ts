import { attribute, type Graph, type GraphBuilder, type Node } from "#onnx";

/** Attention as one operator, of any domain. */
export const attentionOps = /Attention$/;

/** The values that depend on what the inputs hold, not only on their shapes. */
export function readFromInputs(graph: Graph): ReadonlySet<string> {
  const read = new Set(graph.inputs.map((i) => i.name));
  for (const node of graph.nodes) {
    if (node.op === "Shape" || node.op === "Size") continue;
    if (node.inputs.some((name) => read.has(name)))
      for (const o of node.outputs) read.add(o);
  }
  return read;
}

/**
 * Comparisons of places with places (of which the input says nothing), triangles, and
 * attention that says so.
 */
export function hidesLater(
  node: Node,
  b: GraphBuilder,
  read: ReadonlySet<string>,
): boolean {
  if (node.op === "Trilu") return !read.has(node.inputs[0] ?? "");
  if (attentionOps.test(node.op))
    return (
      attribute(node, "is_causal", "int", 0) === 1 ||
      attribute(node, "unidirectional", "int", 0) === 1 ||
      node.op === "GroupQueryAttention"
    );
  if (/^(LessOrEqual|Less|GreaterOrEqual|Greater)$/.test(node.op)) {
    const sizes = node.inputs.map((name) => b.dims(name));
    const isRow = sizes.some((dims) => dims?.at(-1) !== 1);
    return (
      isRow &&
      node.inputs.every((name) => !read.has(name)) &&
      sizes.every((dims) => !dims?.every((d) => d === 1))
    );
  }
  if (!["Where", "Add", "And", "Expand"].includes(node.op)) return false;
  return node.inputs.some((name) => isTriangle(name, b));
}

/**
 * Whether a constant hides what is right of the diagonal: false or very small there,
 * and not left of it.
 */
function isTriangle(name: string, b: GraphBuilder): boolean {
  const t = b.constantOf(name);
  const [rows = 0, columns = 0] = t?.dims.slice(-2) ?? [];
  if (!t || rows < 2 || rows !== columns) return false;
  if (t.type !== "bool" && t.type !== "float32") return false;
  const hidden = Array.from({ length: rows * columns }, (_, i) =>
    t.type === "bool" ? !t.data[i] : Number(t.data[i]) < -1e3,
  );
  return hidden.every((h, i) => h === i % columns > Math.floor(i / columns));
}
