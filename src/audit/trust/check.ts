import type { Family } from "#attacks";
import type { Access } from "#model";
import { counts } from "../counting.ts";
import type { Guesswork } from "../models/index.ts";
import { type Check, countOf, type Norm } from "../results/index.ts";
import type { AttackProbes, ModelProbes } from "./probes/index.ts";

/** What a trust check may know of a cell. */
export interface Evidence {
  candidate: string;
  defense: string;
  attack: string;
  access: Access;
  adaptive: boolean;
  norm: Norm;
  /** In the unit of the input bounds. */
  eps: number;
  family: Family;
  /** The highest input value less the lowest. */
  boundsWidth: number;
  /**
   * Whether the samples are rows of a table with constraints, so that no budget turns
   * every row into any other.
   */
  constrained?: boolean;
  /** The accuracy of guessing: one over the number of classes. */
  chance: number;
  /** As in the results document. */
  outcomes: string;
  /** The largest distance, in the norm, of an adversarial sample from its original. */
  maxDistance: number;
  /** Adversarial samples with a value outside the input bounds. */
  outOfBounds: number;
  /** Adversarial samples with a value that is not finite. */
  nonFinite: number;
  /** What is wrong with the model before any attack, in sentences. */
  faults: readonly string[];
  /**
   * What the clean answers are worth beside one answer for everything; absent where
   * nobody looked.
   */
  guesswork?: Guesswork;
  /** What the attack had to do otherwise than its paper says, in sentences. */
  notes: readonly string[];
  /** Why there was no gradient to follow; null where there was, or none was needed. */
  noGradient: string | null;
  /**
   * Share of the samples whose gradient was zero everywhere; null for an attack
   * without gradients.
   */
  zeroGradientShare: number | null;
  /**
   * Samples whose clean prediction through the attack path differs from
   * the plain forward.
   */
  cleanMismatch: number;
  /** What was seen of the attacked model without any attack. */
  model: ModelProbes;
  /** Calls that the attack averages a gradient over. */
  draws: number;
  /** Whether one of its parts ran that needs no gradients. */
  searches: boolean;
  /** Whether the budget is a threat model of the suite, not one more along a sweep. */
  named: boolean;
  /** What was tried on samples that the attack left standing; null where it was not. */
  probes: AttackProbes | null;
}

/** What to do where an attack did less than a weaker one, or than it must. */
export const STRONGER =
  "the steps are too few or too short, or gradients are masked; run autoattack, then square and hopskipjump, which need no gradients";

/** What a check found; undefined where it does not apply. */
export type Ruling = Pick<Check, "status" | "message"> | undefined;

/** A mechanical test that a cell's number is not an artefact. */
export interface TrustCheck {
  id: string;
  title: string;
  /** What it tests, in one or two sentences. Our own checks say all three. */
  summary?: string;
  /** What a failure, or a warning, says of the number. */
  meaning?: string;
  /** What to do then. */
  advice?: string;
  judge(cell: Evidence, siblings: readonly Evidence[]): Ruling;
}

/**
 * Whether comparisons may judge the cell: a gradient attack on each sample by
 * itself whose number counts. One perturbation for all of them may well do less
 * than others, however good the gradients.
 */
export function isWhiteBox(cell: Evidence): boolean {
  return (
    cell.access === "gradient" && cell.family !== "universal" && counts(cell)
  );
}

/**
 * Whether an attack looks for what breaks each sample, and so must do better
 * than chance: by gradients, or, of texts, which have none, by queries.
 */
export function seeks(cell: Evidence): boolean {
  return (
    isWhiteBox(cell) ||
    (cell.norm === "edits" && cell.family === "query" && counts(cell))
  );
}

/** Distance of normalised logits below which answers are alike. */
const ALIKE = 1e-4;

/** Whether a model answers otherwise when it is asked again. */
export const isRandom = ({ changed, apart }: ModelProbes): boolean =>
  changed > 0 || apart > ALIKE;

/** Whether an attack goes many steps after each sample by its gradients. */
export const isSearch = (cell: Evidence): boolean =>
  isWhiteBox(cell) &&
  (cell.family === "iterative" || cell.family === "minimum-norm");

/**
 * The siblings whose numbers count for the same candidate, defence and norm, on
 * as many samples.
 */
export function comparable(
  cell: Evidence,
  siblings: readonly Evidence[],
): Evidence[] {
  return siblings.filter(
    (sibling) =>
      sibling !== cell &&
      counts(sibling) &&
      sibling.candidate === cell.candidate &&
      sibling.defense === cell.defense &&
      sibling.norm === cell.norm &&
      sibling.outcomes.length === cell.outcomes.length,
  );
}

/** Of the comparable siblings, those with the same eps. */
export function sameBudget(
  cell: Evidence,
  siblings: readonly Evidence[],
): Evidence[] {
  return comparable(cell, siblings).filter(({ eps }) => eps === cell.eps);
}

/** The number of samples that stayed robust. */
export function robustCount({ outcomes }: Evidence): number {
  return countOf(outcomes, "robust");
}

/** Robust accuracy, in [0, 1]. */
export function robustShare(cell: Evidence): number {
  return robustCount(cell) / cell.outcomes.length;
}

/** The sibling that leaves the fewest samples robust. */
export function strongest(siblings: readonly Evidence[]): Evidence | undefined {
  return siblings.toSorted((a, b) => robustCount(a) - robustCount(b))[0];
}
