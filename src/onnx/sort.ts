import { AssayError } from "#core";
import { readNames } from "./captures.ts";
import { describeNode, type Node } from "./graph.ts";

/**
 * Nodes in topological order: as they are when they already are, sorted
 * otherwise. Empty names are absent optional values.
 *
 * @throws MODEL_INVALID for a value that nothing makes, that is made twice, or that
 *   depends on itself
 */
export function sortNodes(
  nodes: readonly Node[],
  given: readonly string[],
  source: string,
): readonly Node[] {
  const refuse = (what: string) =>
    new AssayError(
      "MODEL_INVALID",
      `${source}: ${what}`,
      "Check the file with onnx.checker, or export it again.",
    );
  const makers = new Map<string, Node>();
  const ready = new Set(given);
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (!name) continue;
      if (makers.has(name) || ready.has(name))
        throw refuse(
          `value "${name}" is made twice, the second time by ${describeNode(node)}`,
        );
      makers.set(name, node);
    }
  }
  const reads = new Map(nodes.map((node) => [node, readNames(node)]));
  for (const node of nodes) {
    for (const name of reads.get(node) ?? []) {
      if (!ready.has(name) && !makers.has(name))
        throw refuse(
          `${describeNode(node)} reads "${name}", which nothing makes`,
        );
    }
  }
  const sorted: Node[] = [];
  let waiting = [...nodes];
  while (waiting.length > 0) {
    const later: Node[] = [];
    for (const node of waiting) {
      if (reads.get(node)?.every((name) => ready.has(name))) {
        sorted.push(node);
        for (const name of node.outputs) ready.add(name);
      } else {
        later.push(node);
      }
    }
    if (later.length === waiting.length)
      throw refuse(`${describeNode(later[0]!)} depends on its own output`);
    waiting = later;
  }
  return sorted;
}
