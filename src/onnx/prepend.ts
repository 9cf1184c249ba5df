import { GraphBuilder } from "./builder.ts";
import type { Graph } from "./graph.ts";

/**
 * Puts nodes between an input of a graph and all that reads it. The input
 * keeps its name; `build` gets that name and returns the value that is read
 * instead.
 *
 * @param prefix begins the names of the new nodes
 * @returns the new graph and the value that replaces the input inside it
 */
export function prepend(
  graph: Graph,
  input: string,
  prefix: string,
  build: (b: GraphBuilder, x: string) => string,
): { graph: Graph; value: string } {
  const b = new GraphBuilder(graph, prefix);
  const value = build(b, input);
  const added = b.nodes.slice(graph.nodes.length);
  const rewired = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === input ? value : name)),
  }));
  return { graph: { ...b.build(), nodes: [...added, ...rewired] }, value };
}
