import type { Model } from "#model";
import { type Graph, type GraphBuilder, graft } from "#onnx";

/**
 * Adds a graph that was made from a model's once more, at another input. Constants
 * that the model does not have come with it.
 *
 * @param b a builder that began with the model's graph
 * @returns the name that a value of the graph has in the copy
 */
export function copyAt(
  b: GraphBuilder,
  { graph: known, input }: Pick<Model, "graph" | "input">,
  graph: Graph,
  x: string,
): (name: string) => string {
  const own = [...graph.constants]
    .filter(([name, value]) => known.constants.get(name) !== value)
    .map(([name, value]): [string, string] => [name, b.constant(value)]);
  return graft(b, graph, new Map([[input, x], ...own]));
}
