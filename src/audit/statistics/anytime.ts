import type { Rate } from "../results/index.ts";
import { betaCdf, bisect, lnBeta } from "./distributions.ts";
import type { Interval } from "./intervals.ts";

/** Jeffreys' prior, which loses least near 0 and 1. */
const PRIOR = 0.5;

/**
 * Interval of a share that holds however often somebody looks and whenever the counting
 * stops: over all sample sizes together, each end is wrong with a probability of at
 * most (1 - confidence) / 2. Draws are independent, one after the other.
 *
 * Each end is the one-sided mixture of likelihood ratios over the shares beyond it
 * (Robbins 1970, Annals of Mathematical Statistics 41:1397; Howard, Ramdas, McAuliffe
 * and Sekhon 2021, Annals of Statistics 49:1055, the beta-binomial mixture): a wager
 * against the share being there, whose capital chance makes large too seldom (Ville
 * 1939; Waudby-Smith and Ramdas 2024, JRSS B 86:1).
 *
 * @param n samples so far; the interval of none is all of [0, 1]
 */
export function anytimeInterval(
  successes: number,
  n: number,
  confidence = 0.95,
): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: anytimeLow(successes, n, tail),
    high: 1 - anytimeLow(n - successes, n, tail),
  };
}

/** A share with that interval, at 95 %. */
export const anytimeRate = (successes: number, n: number): Rate => ({
  value: successes / n,
  ...anytimeInterval(successes, n),
  n,
});

function anytimeLow(successes: number, n: number, tail: number): number {
  if (successes === 0) return 0;
  const needed = -Math.log(tail);
  return bisect(
    (share) => capital(share, successes, n - successes) >= needed,
    0,
    successes / n,
  );
}

/** Logarithm of the capital of who wagered that the share is above this. */
function capital(share: number, successes: number, failures: number): number {
  const [a, b] = [PRIOR + successes, PRIOR + failures];
  return (
    lnBeta(a, b) -
    lnBeta(PRIOR, PRIOR) +
    Math.log(1 - betaCdf(share, a, b)) -
    Math.log(1 - betaCdf(share, PRIOR, PRIOR)) -
    successes * Math.log(share) -
    (failures > 0 ? failures * Math.log1p(-share) : 0)
  );
}
