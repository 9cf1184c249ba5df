import { AssayError } from "#core";
import { betaCdf, bisect, normalQuantile } from "./distributions.ts";
import { distances, type Interval, isCount } from "./intervals.ts";

const Z = normalQuantile(0.975);

const quantileOf = (confidence: number): number =>
  normalQuantile(1 - (1 - confidence) / 2);

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

/**
 * One-sided p-value of the same test: how likely `b` or more of the discordant pairs
 * are when either side has them as often.
 */
export const moreOften = (b: number, c: number): number =>
  b === 0 ? 1 : betaCdf(0.5, b, c + 1);

/**
 * Score interval of p1 - p2 on the same samples (Tango 1998, Statistics in
 * Medicine 17:891). It has a width where no pair is discordant: up to 3.84 / n.
 */
export function tango(counts: Paired, confidence = 0.95): Interval {
  const { both, onlyFirst: b, onlySecond: c, neither } = counts;
  const n = both + b + c + neither;
  const z = quantileOf(confidence);
  /** How far off a difference is, in standard errors under it. */
  const score = (difference: number) => {
    // The likeliest share of pairs that only the second has right.
    const linear = (2 * n - b + c) * difference - b - c;
    const constant = -c * difference * (1 - difference);
    const share = largerRoot(2 * n, linear, constant);
    const variance = n * (2 * share + difference * (1 - difference));
    return standardised(b - c - n * difference, variance);
  };
  const difference = (b - c) / n;
  return {
    low: bisect((d) => score(d) > z, -1, difference),
    high: bisect((d) => score(d) >= -z, difference, 1),
  };
}

/**
 * Interval of p1 - p2 on the same samples: Wilson's intervals of both shares, squared
 * and added with the correlation of the pairs, which is corrected for continuity
 * (Newcombe 1998, Statistics in Medicine 17:2635, method 10).
 */
export function newcombePaired(counts: Paired, confidence = 0.95): Interval {
  const { both: a, onlyFirst: b, onlySecond: c, neither: d } = counts;
  const n = a + b + c + d;
  const one = distances(a + b, n, confidence);
  const two = distances(a + c, n, confidence);
  const product = a * d - b * c;
  const corrected = product > 0 ? Math.max(0, product - n / 2) : product;
  const margins = (a + b) * (c + d) * (a + c) * (b + d);
  const phi = margins === 0 ? 0 : corrected / Math.sqrt(margins);
  const reach = (x: number, y: number) =>
    Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const difference = (b - c) / n;
  return {
    low: difference - reach(one.below, two.above),
    high: difference + reach(one.above, two.below),
  };
}

/**
 * 95 % score interval of p1 / p2 on the same samples (Nam and Blackwelder 2002,
 * Statistics in Medicine 21:689; Tang et al. 2003, 22:1217), with a correction of
 * half a sample for continuity: without it 77 % were covered where two or three
 * samples were successes. Null where the second has none.
 */
export function pairedRatio(counts: Paired): Interval | null {
  const { both, onlyFirst, onlySecond: c } = counts;
  const [first, second] = [both + onlyFirst, both + c];
  if (second === 0) return null;
  const any = both + onlyFirst + c;
  const score = (ratio: number) => {
    // The likeliest count of pairs that only the second has right.
    const linear = second * ratio ** 2 - (first + 2 * c);
    const count = largerRoot(1 + ratio, linear, c * (1 - ratio) * any);
    const variance = (1 + ratio) * count + any * (ratio - 1);
    const gap = first - ratio * second;
    const step = Math.max(1, ratio) / 2;
    return standardised(
      Math.sign(gap) * Math.max(0, Math.abs(gap) - step),
      variance,
    );
  };
  const ratio = first / second;
  let beyond = Math.max(1, 2 * ratio);
  while (score(beyond) >= -Z) beyond *= 2;
  return {
    low: bisect((r) => score(r) > Z, 0, ratio),
    high: bisect((r) => score(r) >= -Z, ratio, beyond),
  };
}

/** Of a x^2 + b x + c, without cancellation. */
function largerRoot(a: number, b: number, c: number): number {
  const root = Math.sqrt(Math.max(0, b * b - 4 * a * c));
  if (b <= 0) return (root - b) / (2 * a);
  return (-2 * c) / (root + b);
}

/** A gap in standard errors. Where there can be none, any gap is infinitely many. */
const standardised = (gap: number, variance: number): number =>
  gap === 0 ? 0 : gap / Math.sqrt(Math.max(0, variance));
