import { readNames } from "./captures.ts";
import type { Graph, Node } from "./graph.ts";

/** Nodes from which a list that grows with them is felt. */
const MANY = 4096;

/**
 * A long graph with nodes in the order of their levels: those that need no other first,
 * then those that need only these, and so on. onnxruntime sorts nodes anew for each of
 * its optimisers, with a list of those that could be next, and walks along it for every
 * node. Backward passes end with what their first nodes could have done long before, so
 * that the list grows with the graph, and loading with its square.
 */
export function inLevels(graph: Graph): Graph {
  // A body that stays encoded may read anything that stands before it.
  if (graph.nodes.length < MANY || graph.nodes.some(isEncoded)) return graph;
  const levels = new Map<string, number>();
  const levelOf = (node: Node) => {
    let level = 0;
    for (const name of readNames(node))
      level = Math.max(level, levels.get(name) ?? 0);
    for (const name of node.outputs) levels.set(name, level + 1);
    return level;
  };
  const found = graph.nodes.map((node) => ({ node, level: levelOf(node) }));
  return {
    ...graph,
    nodes: found.sort((a, b) => a.level - b.level).map(({ node }) => node),
  };
}

const isEncoded = ({ attributes }: Node) =>
  Object.values(attributes).some((a) => a.kind === "opaque");
