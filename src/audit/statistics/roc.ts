import type { Roc } from "../results/index.ts";
import { bisect, normalQuantile } from "./distributions.ts";

/** Points of a curve that are kept: one for each percent of false positives. */
const POINTS = 100;

/**
 * How well a score tells positives from negatives: the curve of true over false
 * positives, and the area under it (the probability that a positive scores
 * higher, a tie counting half) with its 95 % interval.
 *
 * @returns null where there is nothing to compare
 */
export function roc(
  negatives: readonly number[],
  positives: readonly number[],
): Roc | null {
  const [m, n] = [positives.length, negatives.length];
  if (m === 0 || n === 0) return null;
  const low = [...negatives].sort((a, b) => b - a);
  const high = [...positives].sort((a, b) => b - a);
  const above = countsAbove(high, low);
  const level = countsAbove(high, low, true);
  let area = 0;
  for (let i = 0; i < n; i++) area += (above[i]! + level[i]!) / 2;
  const value = area / (m * n);
  return {
    auc: { value, ...areaInterval(value, m, n) },
    positives: m,
    negatives: n,
    points: Array.from({ length: POINTS + 1 }, (_, percent) => {
      // The lowest threshold that so many negatives at most are above.
      const allowed = Math.floor((percent * n) / POINTS + 1e-9);
      const detected = allowed === n ? m : above[allowed]!;
      return [percent / POINTS, detected / m];
    }),
  };
}

/**
 * For each of some numbers in falling order, how many of others in falling order are
 * above it (or not below it).
 */
function countsAbove(
  others: readonly number[],
  numbers: readonly number[],
  orLevel = false,
): number[] {
  let at = 0;
  return numbers.map((v) => {
    while (
      at < others.length &&
      (others[at]! > v || (orLevel && others[at] === v))
    )
      at++;
    return at;
  });
}

/**
 * Interval of the area under a curve from m positives and n negatives
 * (Newcombe 2006, Statistics in Medicine 25:559, method 5): where the score
 * test with the variance of Hanley and McNeil 1982 does not refuse it. Unlike
 * Wald's it has a width at an area of 1.
 */
export function areaInterval(
  area: number,
  m: number,
  n: number,
  confidence = 0.95,
): { low: number; high: number } {
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const extra = (m + n) / 2 - 1;
  const deviation = (t: number) =>
    Math.sqrt(
      (t * (1 - t) * (1 + extra * ((1 - t) / (2 - t) + t / (1 + t)))) / (m * n),
    );
  return {
    low: bisect((t) => area - t > z * deviation(t), 0, area),
    high: bisect((t) => t - area <= z * deviation(t), area, 1),
  };
}
