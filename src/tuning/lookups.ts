import type { Feeds } from "#engine";
import {
  attribute,
  type Graph,
  GraphBuilder,
  mayCapture,
  type Tensor,
} from "#onnx";

/** Where the rows of a table are looked up: the only place where anything reads it. */
export interface Lookup {
  /** The value that holds the rows [...ids, ...row]. */
  readonly rows: string;
  /** The value that holds the numbers of the rows. */
  readonly ids: string;
}

/**
 * The tables among some weights of which a graph only looks up rows, in one
 * place. The gradient of those rows says all that the gradient of the table
 * does, and is much smaller than a table of a vocabulary.
 */
export function lookupsOf(
  graph: Graph,
  names: readonly string[],
): ReadonlyMap<string, Lookup> {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const found = new Map<string, Lookup>();
  for (const name of names) {
    const [node, ...others] = graph.nodes.filter(
      (n) => n.inputs.includes(name) || mayCapture(n, name),
    );
    const only = others.length === 0 && !outputs.has(name);
    if (!only || node?.op !== "Gather" || node.domain !== "") continue;
    const [table, ids = ""] = node.inputs;
    const byRow = attribute(node, "axis", "int", 0) === 0;
    if (table === name && byRow)
      found.set(name, { rows: node.outputs[0]!, ids });
  }
  return found;
}

/** The graph with the row numbers that it computes among its outputs. */
export function withIds(graph: Graph, lookups: Iterable<Lookup>): Graph {
  const computed = new Set(graph.nodes.flatMap((n) => n.outputs));
  const ids = [...lookups].map((l) => l.ids).filter((i) => computed.has(i));
  return new GraphBuilder(graph).build([
    ...new Set([...graph.outputs.map((o) => o.name), ...ids]),
  ]);
}

/** The row numbers of a lookup: an output of a run, fed to it, or a constant. */
export function idsOf(
  { ids }: Lookup,
  graph: Graph,
  feeds: Feeds,
  outputs: Feeds,
): ArrayLike<bigint | number> {
  const tensor = outputs[ids] ?? feeds[ids] ?? graph.constants.get(ids);
  return (tensor as Tensor<"int64">).data;
}

/**
 * The gradient of a table of [height, ...row], from those of its rows: rows that were
 * looked up twice are added up.
 *
 * @param again whether each gradient may take the place of the one before, so that
 *   no table is made anew at every step
 */
export function openTable(
  dims: readonly number[],
  again: boolean,
): (rows: Float32Array, ids: ArrayLike<bigint | number>) => Float32Array {
  const [height = 0] = dims;
  const width = dims.slice(1).reduce((p, d) => p * d, 1);
  let table = new Float32Array(0);
  let places: number[] = [];
  return (rows, ids) => {
    if (again && table.length > 0)
      for (const at of places) table.fill(0, at, at + width);
    else table = new Float32Array(height * width);
    places = Array.from(ids, Number).map(
      (id) => (id < 0 ? id + height : id) * width,
    );
    for (const [i, at] of places.entries())
      for (let k = 0; k < width; k++)
        table[at + k] = table[at + k]! + rows[i * width + k]!;
    return table;
  };
}
