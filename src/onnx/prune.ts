import { readNames } from "./captures.ts";
import type { Graph, Node } from "./graph.ts";

/**
 * The graph with only what its outputs need: other nodes and constants are
 * dropped. Inputs stay.
 */
export function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((o) => o.name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.push(node);
    for (const name of readNames(node)) needed.add(name);
    // A body that stays encoded may read anything.
    if (Object.values(node.attributes).some((a) => a.kind === "opaque")) {
      return graph;
    }
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    constants: new Map(
      [...graph.constants].filter(([name]) => needed.has(name)),
    ),
  };
}
