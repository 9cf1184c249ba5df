import type { Engine } from "#engine";
import { type Graph, GraphBuilder } from "#onnx";

/**
 * Samples that a run takes at once at most: enough to use all cores, few enough that
 * activations stay small.
 */
export const MOST = 256;
/** Fewer than these keep the cores waiting for each other. */
const LEAST = 32;

/**
 * Samples that a gradient pass takes at once: as many as leave its largest
 * value in the cache, where an engine has one to keep to. A pass that runs over
 * it moves every mask and sum through memory, and takes up to three times as long.
 */
export function gradientRows(graph: Graph, { cachedFloats }: Engine): number {
  if (cachedFloats === undefined) return MOST;
  const b = new GraphBuilder(graph);
  const sizes = graph.nodes
    .flatMap(({ outputs }) => outputs)
    .map((value) =>
      (b.dims(value) ?? []).reduce<number>(
        (size, d) => (typeof d === "number" ? size * d : size),
        1,
      ),
    );
  const fitting = Math.floor(cachedFloats / Math.max(1, ...sizes));
  return Math.min(MOST, Math.max(LEAST, fitting));
}
