import { messageOf, UsageError } from "#core";
import type { Judge } from "#units";
import { counts } from "../counting.ts";
import type { Check } from "../results/index.ts";
import type { Evidence, TrustCheck } from "./check.ts";
import { asPublished } from "./checks/as-published.ts";
import { beatsNoise } from "./checks/beats-noise.ts";
import { beatsQueries } from "./checks/beats-queries.ts";
import { beatsTransfer } from "./checks/beats-transfer.ts";
import { betterThanGuessing } from "./checks/better-than-guessing.ts";
import { breaksControl } from "./checks/breaks-control.ts";
import { breaksUndefended } from "./checks/breaks-undefended.ts";
import { budgetKept } from "./checks/budget-kept.ts";
import { cleanPreflight } from "./checks/clean-preflight.ts";
import { convergedInDraws } from "./checks/converged-in-draws.ts";
import { convergedInQueries } from "./checks/converged-in-queries.ts";
import { convergedInRestarts } from "./checks/converged-in-restarts.ts";
import { convergedInSteps } from "./checks/converged-in-steps.ts";
import { gradientAgrees } from "./checks/gradient-agrees.ts";
import { gradientsAvailable } from "./checks/gradients-available.ts";
import { iterativeBeatsSingleStep } from "./checks/iterative-beats-single-step.ts";
import { keepsUp } from "./checks/keeps-up.ts";
import { logitsGiven } from "./checks/logits-given.ts";
import { monotoneInEps } from "./checks/monotone-in-eps.ts";
import { noiseFindsNothing } from "./checks/noise-finds-nothing.ts";
import { otherMeans } from "./checks/other-means.ts";
import { reachesChance } from "./checks/reaches-chance.ts";
import { repeatable } from "./checks/repeatable.ts";
import { scoresTell } from "./checks/scores-tell.ts";
import { smoothNearby } from "./checks/smooth-nearby.ts";
import { stoppedRising } from "./checks/stopped-rising.ts";
import { warningsCheck, warningsTogether } from "./checks/warnings-together.ts";

export { type Evidence, isRandom, type TrustCheck } from "./check.ts";
export type { AttackProbes } from "./probes/index.ts";

/**
 * The checks that hold for every cell. When one fails, the number may be
 * wrong either way.
 */
const always: readonly TrustCheck[] = [budgetKept, cleanPreflight, asPublished];

/** What holds for every cell as well, but leaves a low number what it is. */
const ofTheModel: readonly TrustCheck[] = [betterThanGuessing];

/**
 * The checks of numbers that count. When one fails, the target may be less
 * robust than it looks.
 */
const whereItCounts: readonly TrustCheck[] = [
  logitsGiven,
  repeatable,
  smoothNearby,
  gradientsAvailable,
  gradientAgrees,
  scoresTell,
  stoppedRising,
  convergedInSteps,
  convergedInRestarts,
  convergedInDraws,
  convergedInQueries,
  iterativeBeatsSingleStep,
  keepsUp,
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

/** Every check that looks at a cell; what they say is judged by one more. */
export const allTrustChecks: readonly TrustCheck[] = [
  ...always,
  ...ofTheModel,
  ...whereItCounts,
];

/** What people read of every check of a cell. */
export const explainedChecks: readonly Omit<TrustCheck, "judge">[] = [
  ...allTrustChecks.map(({ judge, ...check }) => check),
  warningsCheck,
];

/**
 * The checks of modules from outside. One that throws fails: what cannot be judged is
 * not to be believed.
 *
 * @throws UNITS_CLASH for one that is called as ours
 */
export function checksOf(judges: readonly Judge[]): readonly TrustCheck[] {
  const own = new Set(explainedChecks.map(({ id }) => id));
  const clash = judges.find(({ id }) => own.has(id));
  if (clash)
    throw new UsageError(
      "UNITS_CLASH",
      `use: trust check "${clash.id}": Assay has one of that id`,
      "Give it another id, or leave its module out.",
    );
  return (judges as readonly TrustCheck[]).map((check) => ({
    ...check,
    judge(cell, siblings) {
      try {
        return check.judge(cell, siblings);
      } catch (error) {
        const message = `It could not judge: ${messageOf(error)}.`;
        return { status: "failed", message };
      }
    },
  }));
}

/**
 * Judges a cell among the others of its run, and then what its warnings say together.
 * Checks that do not apply are left out.
 *
 * @param more checks beside our own, of numbers that count
 */
export function trustChecks(
  cell: Evidence,
  siblings: readonly Evidence[],
  more: readonly TrustCheck[] = [],
): Check[] {
  if (!counts(cell)) return judged([...always, ...ofTheModel], cell, siblings);
  const checks = judged([...allTrustChecks, ...more], cell, siblings);
  const warned = checks.flatMap(({ id, status }) =>
    status === "warned" ? [id] : [],
  );
  const finding = warningsTogether(cell, new Set(warned));
  const { id, title } = warningsCheck;
  return finding ? [...checks, { id, title, ...finding }] : checks;
}

const judged = (
  checks: readonly TrustCheck[],
  cell: Evidence,
  siblings: readonly Evidence[],
): Check[] =>
  checks.flatMap(({ id, title, judge }) => {
    const finding = judge(cell, siblings);
    return finding ? [{ id, title, ...finding }] : [];
  });

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

/**
 * Whether the answers of a cell's model cannot be told from one answer for everything.
 */
export const isGuessed = (checks: readonly Check[]): boolean =>
  checks.some(
    ({ id, status }) => status === "failed" && id === betterThanGuessing.id,
  );
