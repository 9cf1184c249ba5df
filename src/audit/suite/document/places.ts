import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  type YAMLMap,
} from "yaml";
import type { Problem } from "./problems.ts";

/** What each alias of a document stands for. */
export type Targets = ReadonlyMap<unknown, unknown>;

/**
 * Says where to look for a problem: its value, its key when that is wrong or stands
 * alone, or the map that lacks it. Each map is looked through once, however many
 * problems there are.
 */
export function locator(
  document: Document.Parsed,
  targets: Targets,
): (problem: Pick<Problem, "path" | "kind">) => number {
  const pairs = new Map<unknown, Map<string, Pair>>();
  const pairOf = (map: YAMLMap, key: string) => {
    const known =
      pairs.get(map) ??
      // Of keys that stand twice the first counts.
      new Map(map.items.toReversed().map((pair) => [nameOf(pair.key), pair]));
    pairs.set(map, known);
    return known.get(key);
  };
  return (problem) => {
    let node: unknown = document.contents;
    let offset = startOf(node) ?? 0;
    for (const [i, key] of problem.path.entries()) {
      if (isAlias(node)) node = targets.get(node);
      const last = i === problem.path.length - 1;
      if (isMap(node)) {
        const pair = pairOf(node, String(key));
        if (!pair) return offset;
        const keyStart = startOf(pair.key) ?? offset;
        if (last && problem.kind === "unknown key") return keyStart;
        node = pair.value;
        offset = isEmpty(node) ? keyStart : (startOf(node) ?? keyStart);
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        if (node === undefined) return offset;
        offset = startOf(node) ?? offset;
      } else {
        return offset;
      }
    }
    return offset;
  };
}

/** The keys around a place in the source. */
export function pathAt(root: ParsedNode | null, offset: number): PropertyKey[] {
  const path: PropertyKey[] = [];
  let node: unknown = root;
  for (;;) {
    if (isMap(node)) {
      const pair = node.items.findLast(
        (item) => (startOf(item.key) ?? 0) <= offset,
      );
      if (!pair) return path;
      path.push(nameOf(pair.key));
      node = pair.value;
    } else if (isSeq(node)) {
      const index = node.items.findLastIndex(
        (item) => (startOf(item) ?? 0) <= offset,
      );
      if (index < 0) return path;
      path.push(index);
      node = node.items[index];
    } else {
      return path;
    }
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/**
 * A key as it is called. Lists and maps as keys are errors, and writing them out
 * takes time that doubles with each level.
 */
function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : "?";
}

function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.range?.[0] === node.range?.[1];
}
