import { bisect, normalQuantile } from "./distributions.ts";
import { exactInterval, type Interval } from "./intervals.ts";

/** The interval of a number at any confidence in (0, 1). */
export type IntervalAt = (confidence: number) => Interval;

/** A limit, and the side of it on which a number should be. */
export interface Bound {
  readonly side: "min" | "max";
  readonly value: number;
}

/** Whether all of an interval is on the right side of a limit. */
export const isWithin = ({ side, value }: Bound, { low, high }: Interval) =>
  side === "min" ? low >= value : high <= value;

/** Whether all of an interval is on the wrong side of a limit. */
export const isOutside = ({ side, value }: Bound, { low, high }: Interval) =>
  side === "min" ? high < value : low > value;

/**
 * One-sided p-value of a number that is on the right side of its limit: the least level
 * at which its interval is outside. 0.5 stands for all that is not small.
 */
export function evidenceAgainst(bound: Bound, intervalAt: IntervalAt): number {
  const isOutsideAt = (tail: number) =>
    isOutside(bound, intervalAt(1 - 2 * tail));
  if (!isOutsideAt(0.025)) return 0.5;
  // No more than 1e-12 can be told from 1 - 2e-12.
  const exponent = bisect((x) => !isOutsideAt(10 ** x), -12, Math.log10(0.025));
  return 10 ** exponent;
}

/**
 * The interval at other confidences of a share of which its 95 % interval alone is
 * known: the exact one of as many samples in effect (Korn and Graubard 1998, Survey
 * Methodology 24:193), for either end by itself. It is the interval itself where that
 * is exact.
 */
export function exactLike(value: number, known: Interval): IntervalAt {
  const effective = (end: "low" | "high") => {
    const reaches = (log: number) => {
      const n = Math.exp(log);
      const found = exactInterval(value * n, n)[end];
      return end === "low" ? found < known.low : found > known.high;
    };
    return Math.exp(bisect(reaches, -5, 25));
  };
  let sizes: { low: number; high: number } | undefined;
  return (confidence) => {
    if (confidence === 0.95) return known;
    sizes ??= { low: effective("low"), high: effective("high") };
    const { low, high } = sizes;
    return {
      low:
        known.low <= 0
          ? known.low
          : exactInterval(value * low, low, confidence).low,
      high:
        known.high >= 1
          ? known.high
          : exactInterval(value * high, high, confidence).high,
    };
  };
}

/**
 * The same of any number: its ends move as those of a normal one. What has no end has
 * none at any confidence.
 */
export const normalLike =
  (value: number, known: Interval): IntervalAt =>
  (confidence) => {
    const scale =
      normalQuantile(1 - (1 - confidence) / 2) / normalQuantile(0.975);
    return {
      low: value - scale * (value - known.low),
      high: value + scale * (known.high - value),
    };
  };
