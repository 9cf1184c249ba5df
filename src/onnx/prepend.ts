import { AssayError } from "#core";
import { GraphBuilder } from "./builder.ts";
import { mayCapture } from "./captures.ts";
import { describeNode, type Graph } from "./graph.ts";

/**
 * Puts nodes between an input of a graph and all that reads it. The input keeps its
 * name. `build` gets that name and returns the value that is read instead.
 *
 * @param prefix begins the names of the new nodes
 * @returns the new graph and the value that replaces the input inside it
 * @throws GRAPH_SUBGRAPH when a subgraph (If, Loop) reads the input: it would go around
 *   what is put in front
 */
export function prepend(
  graph: Graph,
  input: string,
  prefix: string,
  build: (b: GraphBuilder, x: string) => string,
): { graph: Graph; value: string } {
  const around = graph.nodes.find((node) => mayCapture(node, input));
  if (around) {
    throw new AssayError(
      "GRAPH_SUBGRAPH",
      `a subgraph of ${describeNode(around)} reads the input "${input}", so nothing can be put in front of it`,
      "Export the model without control flow on its input.",
    );
  }
  const b = new GraphBuilder(graph, prefix);
  const value = build(b, input);
  const added = b.nodes.slice(graph.nodes.length);
  const rewired = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === input ? value : name)),
  }));
  return { graph: { ...b.build(), nodes: [...added, ...rewired] }, value };
}
