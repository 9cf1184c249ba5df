import type { Random } from "#core";

/** How often samples are drawn anew; percentiles need about a thousand (Efron and Tibshirani 1993). */
const RESAMPLES = 1000;

/** What two judges say of the same samples. */
export interface Flags {
  readonly first: readonly boolean[];
  readonly second: readonly boolean[];
}

/**
 * 95 % percentile intervals of the count of `first` over that of `second`, by
 * drawing samples anew, each with what both judges say of it (Efron 1979). All
 * pairs are of the same samples and are drawn alike. `high` is null where more
 * than one draw in forty has nothing to divide by; draws of 0 / 0 are left out.
 */
export function ratioIntervals(
  pairs: readonly Flags[],
  random: Random,
): { low: number; high: number | null }[] {
  const n = pairs[0]?.first.length ?? 0;
  const places = pairs.map(({ first, second }) => ({
    first: placesOf(first),
    second: placesOf(second),
  }));
  const found = pairs.map((): number[] => []);
  const times = new Uint32Array(n);
  const sum = (all: readonly number[]) =>
    all.reduce((total, i) => total + times[i]!, 0);
  for (let draw = 0; draw < RESAMPLES; draw++) {
    times.fill(0);
    for (let k = 0; k < n; k++) times[random.below(n)]!++;
    for (const [p, { first, second }] of places.entries()) {
      const ratio = sum(first) / sum(second);
      if (!Number.isNaN(ratio)) found[p]?.push(ratio);
    }
  }
  return found.map((ratios) => {
    ratios.sort((a, b) => a - b);
    const at = (share: number) =>
      ratios[Math.ceil(share * ratios.length) - 1] ?? Number.NaN;
    const high = at(0.975);
    return { low: at(0.025), high: Number.isFinite(high) ? high : null };
  });
}

const placesOf = (flags: readonly boolean[]): number[] =>
  flags.flatMap((flag, i) => (flag ? [i] : []));
