import type { Engine } from "#engine";
import { factorOf, type Graph, GraphBuilder } from "#onnx";
import { allBytes, liveBytes } from "./live.ts";

/**
 * Samples that a run takes at once at most: enough to use all cores, few enough that
 * activations of small models stay small.
 */
export const MOST = 256;
/** Fewer than these keep the cores waiting for each other. */
const LEAST = 32;

/**
 * Bytes that the samples of a run hold at once, as far as the graph tells. Rows follow
 * the graph alone and no machine, so that roundings do not either.
 */
const FORWARD = 2 ** 28;
const BACKWARD = 2 ** 29;

/** Samples that a graph takes at once, so that what they hold is in bounds. */
export const forwardRows = (graph: Graph): number =>
  within(FORWARD, liveBytes(graph));

/**
 * Samples that a gradient pass takes at once: as many as leave its largest
 * value in the cache, where an engine has one to keep to. A pass that runs over
 * it moves every mask and sum through memory, and takes up to three times as long.
 *
 * @param graph what is differentiated
 * @param loaded the graph with its gradient; left out where the engine keeps all that
 *   it computes, and differentiates that
 */
export function gradientRows(
  graph: Graph,
  { cachedFloats }: Engine,
  loaded?: Graph,
): number {
  const held = loaded ? liveBytes(loaded) : allBytes(graph);
  const most = within(BACKWARD, held);
  if (cachedFloats === undefined) return most;
  const b = new GraphBuilder(graph);
  const sizes = graph.nodes
    .flatMap(({ outputs }) => outputs)
    .map((value) =>
      (b.dims(value) ?? []).reduce<number>((size, d) => size * factorOf(d), 1),
    );
  const fitting = Math.floor(cachedFloats / Math.max(1, ...sizes));
  return Math.min(most, Math.max(LEAST, fitting));
}

const within = (budget: number, held: number) =>
  Math.max(1, Math.min(MOST, Math.floor(budget / Math.max(1, held))));
