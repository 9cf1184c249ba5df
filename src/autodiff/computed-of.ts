import { type Node, readNames } from "#onnx";

/** The names of all that is computed of some values, and theirs. */
export function computedOf(
  nodes: readonly Node[],
  from: readonly string[],
): ReadonlySet<string> {
  const reached = new Set(from);
  for (const node of nodes)
    if (readNames(node).some((name) => reached.has(name)))
      for (const output of node.outputs) if (output) reached.add(output);
  return reached;
}
