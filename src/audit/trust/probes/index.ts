import {
  moreDraws,
  moreQueries,
  moreRestarts,
  moreSteps,
  unbounded,
} from "./attack-again.ts";
import { byOtherMeans } from "./by-other-means.ts";
import type { AttackProbes } from "./found.ts";
import { gradientAtExamples } from "./gradient-at-examples.ts";
import { gradientOverSteps } from "./gradient-over-steps.ts";
import { jumpAtBoundary } from "./jump-at-boundary.ts";
import { DRAWS, noiseSearch } from "./noise-search.ts";
import type { Attempt } from "./probe.ts";

export {
  courseOfDraws,
  drawsOf,
  gradientsOfDraws,
} from "./attack-again.ts";
export {
  type BrokenControl,
  brokenControl,
  controlBits,
} from "./broken-control.ts";
export type { ByOtherMeans } from "./by-other-means.ts";
export type { AttackProbes } from "./found.ts";
export type { AlongSteps } from "./gradient-over-steps.ts";
export type { JumpAtBoundary } from "./jump-at-boundary.ts";
export { type ModelProbes, probeModel } from "./model-probes.ts";
export { wrongAtMost } from "./most-draws.ts";
export {
  type Attempt,
  type Averaged,
  type Drawn,
  type Longer,
  PROBED,
  partOf,
  type Surrogate,
  type Tries,
} from "./probe.ts";
export {
  ASCENT,
  canReplay,
  type Replay,
  type Replays,
  replays,
  type Untried,
} from "./replays.ts";
export { peaksOf, stillRising } from "./still-rising.ts";
export type { Asked } from "./tried-by.ts";

type Probed = Omit<AttackProbes, "standing" | "rising" | "control" | "course">;

/** What is tried on what a search left standing of a model without a gradient. */
export async function probeSearch(attempt: Attempt): Promise<Probed> {
  return {
    moreSteps: null,
    moreRestarts: null,
    moreDraws: null,
    moreQueries: await moreQueries(attempt),
    unbounded: null,
    otherMeans: null,
    noise: await noiseSearch(attempt, DRAWS),
    noiseDraws: DRAWS,
    gradientError: null,
    alongSteps: null,
    atBoundary: null,
  };
}

/**
 * Everything that is tried on what an attack left standing.
 *
 * @param queries what the attack itself asked of each sample; noise is drawn
 *   as often, at most
 */
export async function probeAttack(
  attempt: Attempt,
  queries: number,
): Promise<Probed> {
  const noiseDraws = Math.min(DRAWS, Math.max(8, Math.ceil(queries)));
  return {
    moreSteps: await moreSteps(attempt),
    moreRestarts: await moreRestarts(attempt),
    moreDraws: await moreDraws(attempt),
    moreQueries: null,
    unbounded: await unbounded(attempt),
    otherMeans: await byOtherMeans(attempt, queries),
    noise: await noiseSearch(attempt, noiseDraws),
    noiseDraws,
    gradientError: await gradientAtExamples(attempt),
    alongSteps: await gradientOverSteps(attempt),
    atBoundary: await jumpAtBoundary(attempt),
  };
}
