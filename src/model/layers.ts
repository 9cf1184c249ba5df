import { type Graph, sizeOf, type Tensor } from "#onnx";
import { isInvented, kindOf, layerOfWeight, scopeOf } from "./layer-names.ts";
import { findWeights, layerOps, type Weight, type Weights } from "./weights.ts";

/**
 * Weights that are trained and frozen together: usually one layer with its bias
 * and normalisation.
 */
export interface LayerGroup {
  readonly name: string;
  /** Names of its trainable constants. */
  readonly parameters: readonly string[];
  /** Number of numbers in them. */
  readonly size: number;
}

/**
 * The layer groups of a model in topological order, from input to output. The last is
 * the head. What is trainable is told by `findWeights`. A weight that several layers
 * use (tied) belongs to the first.
 *
 * @param only names or patterns (`*` matches anything) of the constants that may be
 *   trained; all when left out
 */
export function layerGroups(
  graph: Graph,
  only?: readonly string[],
): LayerGroup[] {
  return groupWeights(findWeights(graph), graph, only);
}

/** The groups of weights that were found in a graph. */
export function groupWeights(
  weights: Weights,
  graph: Graph,
  only?: readonly string[],
): LayerGroup[] {
  const chosen = weights.trained.filter(
    ({ name }) => !only || only.some((p) => matches(p, name)),
  );
  return named(layersOf(weights, chosen)).map(({ name, members }) => {
    const parameters = members.map((w) => w.name);
    const size = parameters.reduce(
      (sum, p) => sum + sizeOf((graph.constants.get(p) as Tensor).dims),
      0,
    );
    return { name, parameters, size };
  });
}

/**
 * Whether a name matches a pattern in which `*` stands for anything. Each part of the
 * pattern is looked for once, where it comes first: a regular expression would try
 * all places together.
 */
export function matches(pattern: string, name: string): boolean {
  const [start = "", ...parts] = pattern.split("*");
  const end = parts.pop();
  if (end === undefined) return name === start;
  if (!name.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.endsWith(end) && name.length - end.length >= at;
}

/**
 * The weights of each layer, from input to output: an operator that begins one, and
 * what follows it without beginning another (bias, normalisation, scale).
 */
function layersOf({ graph, signal }: Weights, weights: readonly Weight[]) {
  const byNode = new Map<Weight["node"], Weight[]>();
  for (const weight of weights) {
    const before = byNode.get(weight.node);
    if (before) before.push(weight);
    else byNode.set(weight.node, [weight]);
  }
  const layers: Weight[][] = [];
  /** The last layer that a value has passed. */
  const passed = new Map<string, number>();
  for (const node of graph.nodes) {
    const own = byNode.get(node);
    let last = Math.max(
      -1,
      ...node.inputs.map((i) => (signal.has(i) ? (passed.get(i) ?? -1) : -1)),
    );
    if (own) {
      const current = layers[last];
      if (current && !layerOps.has(node.op)) current.push(...own);
      else last = layers.push([...own]) - 1;
    }
    // A layer of eight bits has no weights here. What follows it is not
    // the layer's before.
    else if (
      /Integer$|^DynamicQuantizeLinear$|^QLinear(Conv|MatMul)$/.test(node.op)
    )
      last = -1;
    for (const output of node.outputs) passed.set(output, last);
  }
  return layers;
}

/**
 * Layers under their names; those of one module (the gates of a cell, the halves of a
 * projection) become one.
 */
function named(
  layers: readonly (readonly Weight[])[],
): { name: string; members: Weight[] }[] {
  const told = layers.map(toldName);
  const groups = new Map<string, Weight[]>();
  const counts = new Map<string, number>();
  for (const [i, members] of layers.entries()) {
    const kind = kindOf(members[0]!.node);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const name = told[i] ?? unused(`${kind}${count}`, told);
    groups.set(name, [...(groups.get(name) ?? []), ...members]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}

/** A name that no layer has of its own. */
const unused = (name: string, told: readonly (string | undefined)[]): string =>
  told.includes(name) ? unused(`${name}#`, told) : name;

/**
 * What names a layer: its first weight, the place of its node among the modules, its
 * other weights, its bias, or the whole name of its first weight.
 */
function toldName(members: readonly Weight[]): string | undefined {
  const [first, second] = members as [Weight, Weight | undefined];
  const own = members.filter((w) => w.node === first.node);
  const bias =
    second?.node.op === "Add" &&
    second.node.inputs.some((i) => first.node.outputs.includes(i))
      ? [second]
      : [];
  const told = (w: Weight) => layerOfWeight(w.name);
  const found =
    told(first) ??
    scopeOf(first.node) ??
    [...own, ...bias].map(told).find((name) => name !== undefined);
  return found ?? (isInvented(first.name) ? undefined : first.name);
}
