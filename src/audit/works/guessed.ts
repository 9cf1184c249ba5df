import { type Costs, START } from "./costs.ts";
import { type WorkKind, workKinds } from "./work.ts";

/**
 * About how many passes, forth and back, each unit of a work's size comes to, by its
 * kind: a step of training moves weights too, and probes try several times what an
 * attack did. Found on the quick suite and the demo, within a factor of about three.
 */
const passes: Readonly<Record<WorkKind, number>> = {
  model: 3,
  look: 9,
  fit: 3,
  examples: 0.8,
  cell: 6,
  probes: 2.6,
  replays: 2.5,
  decision: 2,
  heads: 4,
  epoch: 5,
  repair: 1,
  part: 1,
  trial: 0.5,
  certificate: 0.5,
  gallery: 5,
};

/** Seconds of a pass of one sample through a small network. */
const PASS = 5e-5;

type Sized = Parameters<Costs["secondsOf"]>[0];

/** What is known of costs, and a guess where nothing is: by what a pass takes here. */
export const guessed = (costs: Costs, pass: number) => ({
  secondsOf: (work: Sized): number =>
    costs.secondsOf(work) ?? START + work.size * passes[work.kind] * pass,
});

/** Seconds of a pass, by what is known of kinds; the usual where nothing is. */
export function passBy(costs: Costs): number {
  const known = workKinds.flatMap((kind) => {
    const seconds = (costs.secondsOf({ kind, size: 1 }) ?? 0) - START;
    return seconds > 0 ? Math.log(seconds / passes[kind]) : [];
  });
  if (known.length === 0) return PASS;
  return Math.exp(known.reduce((sum, one) => sum + one, 0) / known.length);
}
