import { AssayError } from "#core";
import type { Rate } from "../results/index.ts";
import {
  betaCdf,
  bisect,
  normalQuantile,
  studentQuantile,
} from "./distributions.ts";

/** Both ends of an interval. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * Exact interval of a proportion in [0, 1]; never covers less than it says.
 * Throws STATISTICS_INPUT unless 0 <= successes <= n, n >= 1 (Clopper and Pearson 1934).
 */
export function clopperPearson(
  successes: number,
  n: number,
  confidence = 0.95,
): Interval {
  requireCounts(successes, n, confidence);
  const tail = (1 - confidence) / 2;
  return {
    low: exactLow(successes, n, tail),
    high: 1 - exactLow(n - successes, n, tail),
  };
}

/**
 * Score interval of a proportion in [0, 1]; narrower than the exact one, and on average right.
 * Throws STATISTICS_INPUT unless 0 <= successes <= n, n >= 1 (Wilson 1927).
 */
export function wilson(
  successes: number,
  n: number,
  confidence = 0.95,
): Interval {
  requireCounts(successes, n, confidence);
  const z = normalQuantile(1 - (1 - confidence) / 2);
  return {
    low: wilsonLow(successes, n, z),
    high: 1 - wilsonLow(n - successes, n, z),
  };
}

/** A share in [0, 1] with its 95 % Clopper-Pearson interval. Throws STATISTICS_INPUT when n is 0. */
export function rate(successes: number, n: number): Rate {
  return { value: successes / n, ...clopperPearson(successes, n), n };
}

/** A mean with its 95 % interval by Student's t, for two values or more. */
export function meanOf(values: readonly number[]): Interval & { mean: number } {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const reach =
    studentQuantile(0.975, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { mean, low: mean - reach, high: mean + reach };
}

/** The count behind a rate. */
export function successesOf(rate: Rate): number {
  return Math.round(rate.value * rate.n);
}

/**
 * Two-sided p-value of McNemar's exact test on `b` and `c` discordant pairs;
 * 1 when there is none (McNemar 1947).
 */
export function mcnemar(b: number, c: number): number {
  if (!(isCount(b) && isCount(c))) {
    throw new AssayError(
      "STATISTICS_INPUT",
      `McNemar's test got ${b} and ${c}, expected two whole numbers of at least 0`,
      "Count the samples that only one of the two classifies correctly.",
    );
  }
  if (b === c) return 1;
  const n = b + c;
  const fewer = Math.min(b, c);
  // The sum of C(n, i) / 2^n over i <= fewer is a value of the beta distribution.
  return Math.min(1, 2 * betaCdf(0.5, n - fewer, fewer + 1));
}

/** 95 % interval of p1 - p2 of two independent samples (Newcombe 1998, method 10). */
export function newcombe(first: Rate, second: Rate): Interval {
  const one = distances(successesOf(first), first.n);
  const two = distances(successesOf(second), second.n);
  const difference = first.value - second.value;
  return {
    low: difference - Math.hypot(one.below, two.above),
    high: difference + Math.hypot(one.above, two.below),
  };
}

/** What two classifiers got right on the same samples, in counts. */
export interface Paired {
  both: number;
  onlyFirst: number;
  onlySecond: number;
  neither: number;
}

/** Counts what two judges say of the same samples. */
export function pairsOf(
  first: readonly boolean[],
  second: readonly boolean[],
): Paired {
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (const [i, right] of first.entries()) {
    if (right) counts[second[i] ? "both" : "onlyFirst"]++;
    else counts[second[i] ? "onlySecond" : "neither"]++;
  }
  return counts;
}

/** 95 % interval of p1 - p2 on the same samples (Newcombe 1998, paired, method 10). */
export function newcombePaired(counts: Paired): Interval {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const n = both + onlyFirst + onlySecond + neither;
  const one = distances(both + onlyFirst, n);
  const two = distances(both + onlySecond, n);
  const phi = correlation(counts, n);
  const difference = (onlyFirst - onlySecond) / n;
  return {
    low: difference - correlated(one.below, two.above, phi),
    high: difference + correlated(one.above, two.below, phi),
  };
}

function exactLow(successes: number, n: number, tail: number): number {
  if (successes === 0) return 0;
  if (successes === n) return Math.exp(Math.log(tail) / n);
  return bisect(
    (p) => betaCdf(p, successes, n - successes + 1) < tail,
    0,
    successes / n,
  );
}

function wilsonLow(successes: number, n: number, z: number): number {
  if (successes === 0) return 0;
  const p = successes / n;
  const square = (z * z) / n;
  // The smaller root as the product of both over the larger one: nothing cancels.
  const larger =
    p + square / 2 + z * Math.sqrt((p * (1 - p)) / n + square / (4 * n));
  return (p * p) / larger;
}

function distances(
  successes: number,
  n: number,
): { below: number; above: number } {
  const { low, high } = wilson(successes, n);
  const p = successes / n;
  return { below: p - low, above: high - p };
}

function correlation(counts: Paired, n: number): number {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const margins =
    Math.sqrt((both + onlyFirst) * (onlySecond + neither)) *
    Math.sqrt((both + onlySecond) * (onlyFirst + neither));
  if (margins === 0) return 0;
  const agreement = both * neither - onlyFirst * onlySecond;
  // The continuity correction of the paper, for positive correlation only.
  return (agreement > 0 ? Math.max(agreement - n / 2, 0) : agreement) / margins;
}

function correlated(a: number, b: number, phi: number): number {
  return Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function requireCounts(successes: number, n: number, confidence: number): void {
  if (!isCount(successes) || !isCount(n) || n === 0 || successes > n) {
    throw new AssayError(
      "STATISTICS_INPUT",
      `an interval was asked for ${successes} of ${n} samples, expected 0 to n of at least one sample`,
      "Evaluate at least one sample.",
    );
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new AssayError(
      "STATISTICS_INPUT",
      `an interval was asked for with confidence ${confidence}, expected between 0 and 1`,
      "Give the confidence as a share, such as 0.95.",
    );
  }
}
