import { nearest, UsageError } from "#core";
import { type Graph, GraphBuilder, int, readNames, shapeText } from "#onnx";
import { groupWeights } from "./layers.ts";
import { findWeights } from "./weights.ts";

/**
 * A place where a model can be cut: everything that is computed from the input passes
 * through one value.
 */
export interface Cut {
  /** The layer group behind which it is. */
  readonly group: string;
  readonly value: string;
}

/**
 * The places where a new head can be put instead of what follows, from input
 * to output: behind each layer group where nothing runs past (no shortcut
 * reaches over it), after its activation and pooling.
 */
export function cutsOf(graph: Graph): Cut[] {
  const weights = findWeights(graph);
  const { signal } = weights;
  const groups = groupWeights(weights, graph);
  const groupOf = new Map(
    groups.flatMap((g) => g.parameters.map((p) => [p, g.name])),
  );
  const ends = lastReaders(graph);
  const live = new Set(graph.inputs.map((i) => i.name));
  const cuts = new Map<string, string>();
  let passed: string | undefined;
  for (const [at, node] of graph.nodes.entries()) {
    const reads = readNames(node);
    passed =
      reads.map((name) => groupOf.get(name)).findLast((g) => g) ?? passed;
    for (const name of node.outputs) if (ends.has(name)) live.add(name);
    for (const name of reads) if (ends.get(name) === at) live.delete(name);
    const [only, ...more] = [...live].filter((name) => signal.has(name));
    // A later value behind the same group has more of its activation and pooling.
    if (passed && only && more.length === 0 && node.outputs.includes(only))
      cuts.set(passed, only);
  }
  // What leaves the head are the logits.
  const head = groups.at(-1)?.name;
  return [...cuts]
    .filter(([group]) => group !== head)
    .map(([group, value]) => ({ group, value }));
}

/** The place of the last node that reads each value; beyond the end for an output. */
function lastReaders({ nodes, outputs }: Graph): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const [at, node] of nodes.entries())
    for (const name of readNames(node)) last.set(name, at);
  for (const { name } of outputs) last.set(name, nodes.length);
  return last;
}

/**
 * The value at a cut.
 *
 * @param cut a layer group, or a value of the graph
 * @throws CUT_UNKNOWN
 */
export function cutNamed(graph: Graph, cut: string): string {
  const cuts = cutsOf(graph);
  const made = graph.nodes.some((n) => n.outputs.includes(cut));
  const value =
    cuts.find(({ group }) => group === cut)?.value ?? (made ? cut : undefined);
  if (value !== undefined) return value;
  const names = cuts.map(({ group }) => group);
  const close = nearest(cut, names);
  throw new UsageError(
    "CUT_UNKNOWN",
    `the model cannot be cut behind "${cut}": there is no such layer group, or a shortcut runs past it`,
    `${close ? `Did you mean "${close}"? ` : ""}It can be cut behind ${names.join(", ")}.`,
  );
}

/**
 * Features [N, width] at a cut: images are averaged over their pixels, texts over
 * their tokens.
 *
 * @param cut a layer group, or a value of the graph
 * @throws CUT_UNKNOWN, CUT_SHAPE
 */
export function featuresAt(
  graph: Graph,
  cut: string,
): { graph: Graph; features: string; width: number } {
  const value = cutNamed(graph, cut);
  const b = new GraphBuilder(graph, "cut/");
  const dims = b.dims(value);
  const axes = { 4: [2, 3], 3: [1], 2: [] }[dims?.length ?? 0];
  const width = dims?.[dims.length === 3 ? 2 : 1];
  if (!axes || typeof width !== "number") {
    throw new UsageError(
      "CUT_SHAPE",
      `the value behind "${cut}" has shape ${shapeText(dims)}, expected [batch, features], [batch, tokens, features] or [batch, channels, height, width]`,
      "Cut the model at another place; `assay inspect` lists them.",
    );
  }
  const features =
    axes.length === 0
      ? value
      : b.op("ReduceMean", [value, b.ints(axes)], { keepdims: int(0) });
  return { graph: b.build(), features, width };
}
