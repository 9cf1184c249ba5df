import { anytimeInterval } from "#audit";
import { Random } from "#core";
import type { Pair, Truth } from "./truth.ts";

/** Attacked samples, and how many at a time. */
const SAMPLES = [200, 1000];
const BATCHES = 20;

/** Shares of robust samples, and the limit of the gate. */
const SHARES = [0, 0.02, 0.1, 0.3, 0.4, 0.5, 0.7, 0.9, 1];
const LIMIT = 0.4;

/**
 * Samples are attacked until the interval of `decide: true` has left the limit. However
 * the stop is chosen, the interval covers the truth, and by the limit of a rule no more
 * are passed or failed wrongly than the gate says; clear cases cost a tenth.
 *
 * @param draws of each cell
 */
export const decidedEarly = (draws: number): Truth => ({
  id: "decided-early",
  async measure(seed) {
    const random = new Random(seed);
    return SAMPLES.flatMap((n) => {
      const found = SHARES.map((share) => ({
        share,
        ...stopped(draws, n, share, random),
      }));
      const at = (share: number) => found.find((one) => one.share === share)!;
      const of = `of ${n} samples`;
      return [
        ...found.map(
          ({ covered }): Pair => ({
            what: `coverage by the interval at the stop, ${of}, against what it says`,
            first: covered,
            second: 0.95,
            least: -0.01,
          }),
        ),
        ...found.map(
          ({ always }): Pair => ({
            what: `coverage by the intervals of all looks together, ${of}, against what they say`,
            first: always,
            second: 0.95,
            least: -0.01,
          }),
        ),
        {
          what: `2.5 %, against how often a share at its limit is passed, ${of}`,
          first: 0.025,
          second: at(LIMIT).passed,
          least: -0.005,
        },
        {
          what: `2.5 %, against how often it is failed, ${of}`,
          first: 0.025,
          second: at(LIMIT).failed,
          least: -0.005,
        },
        ...[0, 0.02, 0.9, 1].map(
          (share): Pair => ({
            what: `a fifth, against the share of the samples that are attacked where ${100 * share} % are robust and the limit is 40 %, ${of}`,
            first: 0.2,
            second: at(share).spent,
            least: 0,
          }),
        ),
        ...[0.3, 0.5].map(
          (share): Pair => ({
            what: `all, against the share that is attacked where ${100 * share} % are robust, ${of}`,
            first: 1,
            second: at(share).spent,
            least: 0,
          }),
        ),
      ];
    });
  },
});

/** What comes of sampling until the interval is on one side of the limit. */
function stopped(draws: number, n: number, share: number, random: Random) {
  const batch = Math.ceil(n / BATCHES);
  const intervals = new Map<number, ReturnType<typeof anytimeInterval>>();
  const intervalOf = (robust: number, seen: number) => {
    const key = robust * (n + 1) + seen;
    const known = intervals.get(key) ?? anytimeInterval(robust, seen);
    intervals.set(key, known);
    return known;
  };
  const sums = { covered: 0, always: 0, passed: 0, failed: 0, spent: 0 };
  for (let k = 0; k < draws; k++) {
    let [robust, seen, isAlways] = [0, 0, true];
    let stop: { low: number; high: number; seen: number } | undefined;
    while (seen < n) {
      for (let i = 0; i < batch && seen < n; i++, seen++)
        if (random.uniform() < share) robust++;
      const { low, high } = intervalOf(robust, seen);
      if (share < low || share > high) isAlways = false;
      const isDecided = low >= LIMIT || high < LIMIT;
      if (!stop && (isDecided || seen === n)) stop = { low, high, seen };
    }
    const { low, high, seen: spent } = stop!;
    if (low <= share && share <= high) sums.covered++;
    if (isAlways) sums.always++;
    if (low >= LIMIT) sums.passed++;
    if (high < LIMIT) sums.failed++;
    sums.spent += spent / n;
  }
  return {
    covered: sums.covered / draws,
    always: sums.always / draws,
    passed: sums.passed / draws,
    failed: sums.failed / draws,
    spent: sums.spent / draws,
  };
}
