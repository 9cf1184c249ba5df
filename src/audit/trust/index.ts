import { counts } from "../counting.ts";
import type { Check } from "../results.ts";
import { asPublished } from "./as-published.ts";
import { beatsNoise } from "./beats-noise.ts";
import { beatsQueries } from "./beats-queries.ts";
import { beatsTransfer } from "./beats-transfer.ts";
import { breaksControl } from "./breaks-control.ts";
import { breaksUndefended } from "./breaks-undefended.ts";
import { budgetKept } from "./budget-kept.ts";
import type { Evidence, TrustCheck } from "./check.ts";
import { cleanPreflight } from "./clean-preflight.ts";
import { convergedInDraws } from "./converged-in-draws.ts";
import { convergedInRestarts } from "./converged-in-restarts.ts";
import { convergedInSteps } from "./converged-in-steps.ts";
import { gradientAgrees } from "./gradient-agrees.ts";
import { gradientsAvailable } from "./gradients-available.ts";
import { iterativeBeatsSingleStep } from "./iterative-beats-single-step.ts";
import { logitsGiven } from "./logits-given.ts";
import { monotoneInEps } from "./monotone-in-eps.ts";
import { noiseFindsNothing } from "./noise-finds-nothing.ts";
import { otherMeans } from "./other-means.ts";
import { reachesChance } from "./reaches-chance.ts";
import { repeatable } from "./repeatable.ts";
import { smoothNearby } from "./smooth-nearby.ts";
import { stoppedRising } from "./stopped-rising.ts";

export type { AttackProbes, Evidence, TrustCheck } from "./check.ts";
export { isRandom } from "./check.ts";

/** The checks that hold for every cell. When one fails, the number may be wrong either way. */
const always: readonly TrustCheck[] = [budgetKept, cleanPreflight, asPublished];

/** The checks of numbers that count. When one fails, the target may be less robust than it looks. */
const whereItCounts: readonly TrustCheck[] = [
  logitsGiven,
  repeatable,
  smoothNearby,
  gradientsAvailable,
  gradientAgrees,
  stoppedRising,
  convergedInSteps,
  convergedInRestarts,
  convergedInDraws,
  iterativeBeatsSingleStep,
  monotoneInEps,
  reachesChance,
  beatsNoise,
  beatsTransfer,
  beatsQueries,
  noiseFindsNothing,
  otherMeans,
  breaksUndefended,
  breaksControl,
];

/** Every check there is. */
export const allTrustChecks: readonly TrustCheck[] = [
  ...always,
  ...whereItCounts,
];

/** Judges a cell among the others of its run; checks that do not apply are left out. */
export function trustChecks(
  cell: Evidence,
  siblings: readonly Evidence[],
): Check[] {
  const checks = counts(cell) ? allTrustChecks : always;
  return checks.flatMap(({ id, title, judge }) => {
    const finding = judge(cell, siblings);
    return finding ? [{ id, title, ...finding }] : [];
  });
}

/** Whether a cell's number may be believed: no check failed. */
export function isTrusted(checks: readonly Check[]): boolean {
  return checks.every(({ status }) => status !== "failed");
}

/** Whether not even a low number may be believed, since the attack may have cheated. */
export function isVoid(checks: readonly Check[]): boolean {
  return checks.some(
    ({ id, status }) =>
      status === "failed" && always.some((check) => check.id === id),
  );
}
