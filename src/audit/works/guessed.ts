import type { Costs } from "./costs.ts";
import type { WorkKind } from "./work.ts";

/** Seconds that a work takes whatever its size: it opens models. */
const START = 0.1;

/**
 * About how many passes, forth and back, each unit of a work's size comes to, by its
 * kind: a step of training moves weights too, and probes try several times what an
 * attack did. Found on the demo, within a factor of about three.
 */
const passes: Readonly<Record<WorkKind, number>> = {
  model: 3,
  look: 5,
  fit: 3,
  examples: 1,
  cell: 2,
  probes: 4,
  heads: 4,
  epoch: 5,
  repair: 3,
  part: 3,
  trial: 3,
  certificate: 0.5,
  gallery: 5,
};

/** What is known of costs, and a guess where nothing is: by what a pass takes here. */
export const guessed = (costs: Costs, pass: number): Costs => ({
  ...costs,
  secondsOf: (work) =>
    costs.secondsOf(work) ?? START + work.size * passes[work.kind] * pass,
});
