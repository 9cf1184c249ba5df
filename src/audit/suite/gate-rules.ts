import { z } from "zod";
import { nearest, numberOrFraction, UsageError } from "#core";
import { UNDEFENDED } from "../counting.ts";
import type { CandidateResult } from "../results/index.ts";
import type { Candidate } from "./candidates.ts";
import { didYouMean } from "./document/index.ts";

/**
 * A candidate that is one of several: trainings of one candidate, or
 * tasks on one trunk.
 */
export interface Grouped {
  readonly id: string;
  readonly replica: CandidateResult["replica"];
  readonly member?: { readonly of: string; readonly task: string } | null;
}

/** The candidates of a suite, as a gate groups them. */
export const groupsOf = (
  candidates: Readonly<Record<string, Candidate>>,
): Grouped[] =>
  Object.values(candidates).map(({ id, replica, trunk, task }) => ({
    id,
    replica,
    member: trunk && { of: trunk.of, task },
  }));

/**
 * The names by which a gate may speak of candidates: their own, and those that
 * stand for several.
 */
export const namesOf = (candidates: readonly Grouped[]): string[] => [
  ...new Set([
    ...candidates.map(({ id }) => id),
    ...candidates.flatMap(({ replica, member }) =>
      [replica?.of, member?.of].filter((name) => name !== undefined),
    ),
  ]),
];

const share = numberOrFraction.pipe(z.number().min(0).max(1));

const difference = numberOrFraction.pipe(z.number().min(-1).max(1));

const name = z.string().min(1).optional();

const metrics = {
  /** Worst case over the attacks that count, per threat model. */
  robustAccuracy: z.strictObject({
    min: share,
    threatModel: name,
    candidate: name,
    defense: name,
    /**
     * Attacks samples in a random order until the gate is decided, so that clear cases
     * cost a tenth. The number is for the gate alone.
     */
    decide: z.boolean().optional(),
  }),
  cleanAccuracy: z.strictObject({ min: share, candidate: name, defense: name }),
  /**
   * Clean accuracy of `than` (the first candidate unless named) less that
   * of the candidate.
   */
  cleanAccuracyDrop: z.strictObject({
    max: difference,
    candidate: name,
    than: name,
  }),
  attackSuccess: z.strictObject({
    max: share,
    attack: name,
    threatModel: name,
    candidate: name,
    defense: name,
  }),
  /**
   * Share of the samples whose right class is certified (`certify`) to at least an L2
   * radius; of each level of noise, unless one is named.
   */
  certifiedAccuracy: z.strictObject({
    min: share,
    /** In the unit of the input bounds. */
    radius: numberOrFraction.pipe(z.number().nonnegative()),
    sigma: z.number().positive().optional(),
    candidate: name,
  }),
  /**
   * By how much less than the baseline (`baseline` of the suite, or --baseline) on the
   * samples that both attacked, candidate by candidate.
   */
  regression: z
    .strictObject({
      robustAccuracy: z.strictObject({ max: share }).optional(),
      cleanAccuracy: z.strictObject({ max: share }).optional(),
      /** Of robust accuracy. */
      threatModel: name,
      candidate: name,
      defense: name,
    })
    .refine((r) => r.robustAccuracy ?? r.cleanAccuracy, {
      message: "limit robustAccuracy, cleanAccuracy or both",
    }),
  /** A number that trials found: the headline, or the one that is named. */
  trial: z
    .strictObject({
      /** A share between 0 and 1, or a number in the unit of the finding. */
      min: numberOrFraction.optional(),
      max: numberOrFraction.optional(),
      /** Id of a finding, such as "attack-success". */
      finding: name,
      /** What it was measured at; every place when left out. */
      at: name,
      trial: name,
      candidate: name,
      repair: name,
    })
    .refine((r) => (r.min === undefined) !== (r.max === undefined), {
      message: "state either min or max",
    }),
};

/** What a rule may limit. */
export type Metric = keyof typeof metrics;

/** The limit and the selectors of each metric. */
export type Limits = { [M in Metric]: z.infer<(typeof metrics)[M]> };

/**
 * The rules of a suite's gate: each a map with one metric. A selector that is left out
 * means every one.
 */
export const gateSchema = z.array(
  z
    .strictObject({
      robustAccuracy: metrics.robustAccuracy.optional(),
      cleanAccuracy: metrics.cleanAccuracy.optional(),
      cleanAccuracyDrop: metrics.cleanAccuracyDrop.optional(),
      attackSuccess: metrics.attackSuccess.optional(),
      certifiedAccuracy: metrics.certifiedAccuracy.optional(),
      regression: metrics.regression.optional(),
      trial: metrics.trial.optional(),
    })
    .refine((rule) => Object.keys(rule).length === 1, {
      error: `found none or several metrics, expected exactly one of ${Object.keys(metrics).join(", ")} in each rule`,
    })
    .meta({ minProperties: 1, maxProperties: 1 }),
);

/** The gate of a suite. */
export type GateConfig = z.infer<typeof gateSchema>;

/** The names that the selectors of a gate may use. */
export interface GateNames {
  candidates: readonly string[];
  defenses: readonly string[];
  attacks: readonly string[];
  threatModels: readonly string[];
  trials: readonly string[];
  repairs: readonly string[];
}

/**
 * Throws GATE_NAME when a selector names nothing, or a drop has nothing to
 * be compared with.
 */
export function checkGateNames(rules: GateConfig, names: GateNames): void {
  const known: Record<string, readonly string[]> = {
    candidate: names.candidates,
    than: names.candidates,
    defense: [...new Set([UNDEFENDED, ...names.defenses])],
    attack: names.attacks,
    threatModel: names.threatModels,
    trial: names.trials,
    repair: [...new Set([UNDEFENDED, ...names.repairs])],
  };
  for (const [i, rule] of rules.entries()) {
    for (const [metric, limits] of Object.entries(rule)) {
      for (const [key, value] of Object.entries(limits ?? {})) {
        const valid = known[key];
        if (!valid || typeof value !== "string" || valid.includes(value)) {
          continue;
        }
        throw new UsageError(
          "GATE_NAME",
          `gate[${i}].${metric}.${key}: found "${value}", expected one of ${valid.join(", ")}${didYouMean(nearest(value, valid))}`,
          "Correct the name, or leave the selector out to mean every one.",
        );
      }
    }
    if (rule.cleanAccuracyDrop) {
      requireReference(rule.cleanAccuracyDrop, names.candidates, i);
    }
  }
}

function requireReference(
  { candidate, than }: Limits["cleanAccuracyDrop"],
  candidates: readonly string[],
  rule: number,
): void {
  const reference = than ?? candidates[0];
  if (candidates.length > 1 && candidate !== reference) return;
  throw new UsageError(
    "GATE_NAME",
    `gate[${rule}].cleanAccuracyDrop: found ${candidates.length > 1 ? `"${candidate}" compared with itself` : "one candidate to compare"}, expected two different candidates`,
    "Name another candidate, or leave the rule out.",
  );
}
