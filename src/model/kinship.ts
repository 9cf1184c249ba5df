import type { FloatTensor, Graph } from "#onnx";
import { type LayerGroup, layerGroups } from "./layers.ts";
import type { Model } from "./model.ts";

/** How the weights of a layer group stand to those of a base. */
export interface Kin {
  /** Name of the layer group in the candidate. */
  readonly group: string;
  /** Numbers in it. */
  readonly size: number;
  /**
   * "same" bytes, "moved" from those of the base, or "new": the base has no such layer.
   */
  readonly relation: "same" | "moved" | "new";
  /** Norm of the difference over the norm in the base; null for a new group. */
  readonly distance: number | null;
  /**
   * Cosine between the two, near 0 for weights that have nothing to do with each other;
   * null for a new group.
   */
  readonly cosine: number | null;
}

/**
 * What can be checked of a model's descent from a base, whoever tuned it: for
 * each layer group, from input to output, whether its weights are those of the
 * base, moved from there, or others. Groups belong together by the names of
 * their weights, or else in their order, where the shapes are the same.
 */
export function kinshipOf(base: Model, candidate: Model): Kin[] {
  const [theirs, own] = [base, candidate].map((m) => layerGroups(m.graph)) as [
    LayerGroup[],
    LayerGroup[],
  ];
  let next = 0;
  return own.map((group, place): Kin => {
    const { name, size } = group;
    const twin = theirs.find((g) =>
      g.parameters.every((p, i) => p === group.parameters[i]),
    );
    const found = [twin, theirs[next], theirs[place]].find(
      (g) => g !== undefined && isAlike(base.graph, g, candidate.graph, group),
    );
    if (!found)
      return {
        group: name,
        size,
        relation: "new",
        distance: null,
        cosine: null,
      };
    next = theirs.indexOf(found) + 1;
    const { distance, cosine } = compare(
      valuesOf(base.graph, found),
      valuesOf(candidate.graph, group),
    );
    return {
      group: name,
      size,
      relation: distance === 0 ? "same" : "moved",
      distance,
      cosine,
    };
  });
}

const valuesOf = (graph: Graph, { parameters }: LayerGroup): FloatTensor[] =>
  parameters.map((p) => graph.constants.get(p) as FloatTensor);

/** Whether two groups have weights of the same shapes. */
function isAlike(
  graph: Graph,
  group: LayerGroup,
  other: Graph,
  itsGroup: LayerGroup,
): boolean {
  const shapes = (g: Graph, of: LayerGroup) =>
    valuesOf(g, of)
      .map(({ dims }) => dims.join("x"))
      .join();
  return shapes(graph, group) === shapes(other, itsGroup);
}

function compare(
  from: readonly FloatTensor[],
  to: readonly FloatTensor[],
): { distance: number; cosine: number } {
  let [difference, before, after, product] = [0, 0, 0, 0];
  for (const [k, { data }] of from.entries()) {
    const other = to[k]?.data as Float32Array;
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [data[i]!, other[i]!];
      difference += (b - a) ** 2;
      before += a * a;
      after += b * b;
      product += a * b;
    }
  }
  const scale = Math.sqrt(before * after);
  return {
    distance:
      difference === 0 ? 0 : Math.sqrt(difference / Math.max(before, 1e-30)),
    cosine: scale === 0 ? 0 : product / scale,
  };
}
