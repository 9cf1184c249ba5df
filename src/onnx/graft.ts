import type { GraphBuilder } from "./builder.ts";
import type { Graph } from "./graph.ts";
import { renameNode } from "./inline.ts";

/**
 * Adds a graph's nodes once more, over other inputs. Its constants are shared.
 *
 * @param graph the graph that the builder began with, or a part of it
 * @param inputs what the copy reads in place of some values
 * @returns the name that a value of the graph has in the copy
 */
export function graft(
  b: GraphBuilder,
  graph: Graph,
  inputs: ReadonlyMap<string, string>,
): (value: string) => string {
  const prefix = `${b.fresh("copy")}/`;
  const names = new Map(inputs);
  for (const node of graph.nodes)
    for (const name of node.outputs)
      if (name && !names.has(name)) names.set(name, prefix + name);
  const rename = (name: string) => names.get(name) ?? name;
  for (const node of graph.nodes) b.append(renameNode(node, rename));
  return rename;
}
