import type { Node, Subgraph } from "./graph.ts";

/**
 * The values that a node reads: its inputs, and what its bodies (If,
 * Loop, Scan) capture.
 */
export function readNames(node: Node): string[] {
  const bodies = Object.values(node.attributes).flatMap((a) =>
    a.kind === "graph" ? captured(a.value) : [],
  );
  return [...node.inputs.filter((name) => name !== ""), ...bodies];
}

/** The values from around it that a body reads. */
export function captured(body: Subgraph): string[] {
  const made = new Set([
    ...body.inputs.map((i) => i.name),
    ...body.constants.keys(),
    ...body.nodes.flatMap((n) => n.outputs),
  ]);
  const read = [
    ...body.nodes.flatMap(readNames),
    ...body.outputs.map((o) => o.name),
  ];
  return [...new Set(read.filter((name) => !made.has(name)))];
}

/**
 * Whether a node's bodies may read a value; of those that stay encoded,
 * when they name it.
 */
export function mayCapture(node: Node, name: string): boolean {
  return Object.values(node.attributes).some((a) => {
    if (a.kind === "graph") return captured(a.value).includes(name);
    return a.kind === "opaque" && Buffer.from(a.value).includes(name);
  });
}
