import { AssayError } from "#core";
import type { Rate } from "../results/index.ts";
import { betaCdf, bisect, normalQuantile } from "./distributions.ts";

/** Both ends of an interval. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * Exact interval of a proportion in [0, 1]; never covers less than it says. Throws
 * STATISTICS_INPUT unless 0 <= successes <= n, n >= 1 (Clopper and Pearson 1934).
 */
export function clopperPearson(
  successes: number,
  n: number,
  confidence = 0.95,
): Interval {
  requireCounts(successes, n, confidence);
  return exactInterval(successes, n, confidence);
}

/** The same of numbers that may be fractions, as samples in effect are. */
export function exactInterval(
  successes: number,
  n: number,
  confidence = 0.95,
): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: exactLow(successes, n, tail),
    high: 1 - exactLow(n - successes, n, tail),
  };
}

/**
 * 95 % interval of the share that groups reach on average, each with samples of its
 * own: the poisons of one training after another. What is common to a group may decide
 * all of its samples at once, as a filter catches one poisoning whole and the next not
 * at all, so a group counts as one draw. It covers more than it says where groups are
 * alike; variances between few groups cover far less than they say near 0 and 1, and
 * `npm run truths -- --only clusters-interval` simulates it.
 *
 * @param groups each with at least one sample
 */
export function clusteredInterval(
  groups: readonly { readonly successes: number; readonly n: number }[],
): Interval {
  const shares = groups.map(({ successes, n }) => successes / n);
  return exactInterval(
    shares.reduce((sum, share) => sum + share, 0),
    groups.length,
  );
}

/**
 * Score interval of a proportion in [0, 1]; narrower than the exact one, and on average
 * right. Throws STATISTICS_INPUT unless 0 <= successes <= n, n >= 1 (Wilson 1927).
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

/**
 * A share in [0, 1] with its 95 % Clopper-Pearson interval. Throws
 * STATISTICS_INPUT when n is 0.
 */
export function rate(successes: number, n: number): Rate {
  return { value: successes / n, ...clopperPearson(successes, n), n };
}

/**
 * 95 % interval of the mean of numbers in [0, 1]: the exact one of as many that are all
 * or nothing, than which none vary more (Hoeffding 1963, theorem 1).
 */
export function meanOfShares(values: readonly number[]): Interval {
  const sum = values.reduce((s, v) => s + v, 0);
  return exactInterval(Math.min(sum, values.length), values.length);
}

/** The count behind a rate. */
export function successesOf(rate: Rate): number {
  return Math.round(rate.value * rate.n);
}

/**
 * Interval of p1 - p2 of two independent samples (Newcombe 1998, Statistics in Medicine
 * 17:873, method 10).
 */
export function newcombe(
  first: Rate,
  second: Rate,
  confidence = 0.95,
): Interval {
  const one = distances(successesOf(first), first.n, confidence);
  const two = distances(successesOf(second), second.n, confidence);
  const difference = first.value - second.value;
  return {
    low: difference - Math.hypot(one.below, two.above),
    high: difference + Math.hypot(one.above, two.below),
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

/** How far the ends of Wilson's interval are from the share. */
export function distances(
  successes: number,
  n: number,
  confidence: number,
): { below: number; above: number } {
  const { low, high } = wilson(successes, n, confidence);
  const p = successes / n;
  return { below: p - low, above: high - p };
}

/** Whether a number is a whole one of at least 0. */
export function isCount(value: number): boolean {
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
