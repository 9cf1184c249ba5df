import { normalQuantile } from "./distributions.ts";

/** How often a plan of so many samples has to decide. */
const POWER = normalQuantile(0.8);

/** Beyond this a plan says nothing but that the number is at its limit. */
const MOST = 10_000_000;

/**
 * Samples of which the exact interval decides on which side of a limit a share is, four
 * times in five, where the share is what was measured (Fleiss, Levin and Paik 2003,
 * Statistical Methods for Rates and Proportions, 2.3, with the correction for
 * continuity).
 *
 * @param tail one-sided level of the decision
 * @returns null where the share is as good as at the limit
 */
export function samplesForShare(
  share: number,
  limit: number,
  tail: number,
): number | null {
  const gap = Math.abs(share - limit);
  if (gap === 0) return null;
  // All or nothing: what is left to chance is only how many there are.
  if (share === 0 || share === 1)
    return whole(Math.log(tail) / Math.log(1 - gap));
  const sum =
    normalQuantile(1 - tail) * Math.sqrt(limit * (1 - limit)) +
    POWER * Math.sqrt(share * (1 - share));
  const plain = (sum / gap) ** 2;
  return whole((plain / 4) * (1 + Math.sqrt(1 + 2 / (plain * gap))) ** 2);
}

/**
 * Pairs of samples of which the interval of a difference decides on which side of a
 * margin it is, four times in five, where differences and discordant pairs are as
 * measured (Connor 1987, Biometrics 43:207, with a margin).
 *
 * @param discordant share of the samples that only one of both has right
 * @returns null where the difference is as good as at the margin
 */
export function samplesForPairs(
  difference: number,
  discordant: number,
  margin: number,
  tail: number,
): number | null {
  const at = Math.max(discordant, Math.abs(margin));
  const sum =
    normalQuantile(1 - tail) * Math.sqrt(at - margin ** 2) +
    POWER * Math.sqrt(Math.max(0, discordant - difference ** 2));
  return whole((sum / (difference - margin)) ** 2);
}

/**
 * How many times as many samples decide, where only the 95 % interval of a number is
 * known and its width falls as that of a mean does.
 *
 * @param reach from the number to the end of the interval that faces the limit
 */
export function timesAsMany(
  reach: number,
  gap: number,
  tail: number,
): number | null {
  const error = reach / normalQuantile(0.975);
  const times = (((normalQuantile(1 - tail) + POWER) * error) / gap) ** 2;
  return times < 1000 ? times : null;
}

const whole = (n: number): number | null => (n < MOST ? Math.ceil(n) : null);
