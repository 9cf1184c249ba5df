import { clusteredInterval, crossedInterval, pairedRatio } from "#audit";
import { Random } from "#core";
import type { Pair, Truth } from "./truth.ts";

/** What a 95 % interval has to cover. */
const COVERAGE = 0.94;

const SIZES = [20, 60, 200, 500];
const SHARES = [0, 0.01, 0.05, 0.3, 0.5, 0.95, 1];

/** How outcomes of several trainings come about. */
interface World {
  readonly title: string;
  /** How far trainings lie apart: a standard deviation of log-odds. */
  readonly spread: number;
  /** Whether a sample is as hard for every training, or drawn anew by each. */
  readonly shared: boolean;
}

const worlds: readonly World[] = [
  { title: "alike, samples drawn anew", spread: 0, shared: false },
  { title: "alike, samples shared", spread: 0, shared: true },
  { title: "0.5 apart, samples drawn anew", spread: 0.5, shared: false },
  { title: "0.5 apart, samples shared", spread: 0.5, shared: true },
];

/**
 * The interval of several trainings' mean covers the share that trainings reach on
 * average as often as it says, also where all or no sample is robust. Of each number of
 * seeds and each world the size and share with the least coverage is told.
 *
 * @param draws of each cell
 * @param sizes of test sets
 */
export const seedsInterval = (draws: number, sizes = SIZES): Truth => ({
  id: "seeds-interval",
  async measure(seed) {
    const random = new Random(seed);
    return [2, 3, 5].flatMap((seeds) =>
      worlds.flatMap((world) =>
        sizes.flatMap((n) =>
          SHARES.map((p): Pair => {
            const log = logOdds(p, world.spread);
            const covers = () => {
              const rows = trainings(seeds, n, log, world, random);
              const { low, high } = crossedInterval(rows);
              return low <= p && p <= high;
            };
            const what = `coverage by the interval of ${seeds} seeds that are ${world.title}, against what it says`;
            return told(what, share(draws, covers));
          }),
        ),
      ),
    );
  },
});

/**
 * The interval of what several trainings decided of samples of their own, such as how
 * many poisons a filter caught, covers the share that trainings reach on average.
 *
 * @param draws of each cell
 */
export const clustersInterval = (draws: number): Truth => ({
  id: "clusters-interval",
  async measure(seed) {
    const random = new Random(seed);
    return [2, 3, 5, 20].flatMap((groups) =>
      [0, 0.5, 1, 2].flatMap((spread) =>
        [5, 20, 100].flatMap((n) =>
          SHARES.map((p): Pair => {
            const log = logOdds(p, spread);
            const world = { title: "", spread, shared: false };
            const covers = () => {
              const rows = trainings(groups, n, log, world, random);
              const { low, high } = clusteredInterval(
                rows.map((row) => ({
                  n,
                  successes: row.filter(Boolean).length,
                })),
              );
              return low <= p && p <= high;
            };
            const what = `coverage by the interval of ${groups} groups with samples of their own, ${spread} apart in log-odds, against what it says`;
            return told(what, share(draws, covers));
          }),
        ),
      ),
    );
  },
});

/**
 * The interval of retained robustness covers the ratio of two shares of the same
 * samples, also where few of them are robust; of each size the pair of shares with the
 * least coverage is told.
 *
 * @param draws of each cell
 */
export const ratioInterval = (draws: number): Truth => ({
  id: "ratio-interval",
  async measure(seed) {
    const random = new Random(seed);
    return [20, 30, ...SIZES.slice(1)].flatMap((n) =>
      ratios.flatMap(([first, second]) =>
        [0, 0.7, 1].map((alike): Pair => {
          const covers = () => {
            const found = pairedRatio(pairs(n, first, second, alike, random));
            const truth = first / second;
            return !found || (found.low <= truth && truth <= found.high);
          };
          const what = `coverage by the interval of what is retained, ${n} samples, against what it says`;
          return told(what, share(draws, covers));
        }),
      ),
    );
  },
});

/** Robust shares of a candidate and of what it was tuned from. */
const ratios = [
  [0.02, 0.02],
  [0.02, 0.1],
  [0.1, 0.02],
  [0.05, 0.1],
  [0.1, 0.5],
  [0.3, 0.3],
  [0.5, 0.5],
  [0.9, 0.95],
  [0.95, 0.95],
] as const;

const told = (what: string, covered: number): Pair => ({
  what,
  first: covered,
  second: COVERAGE,
  least: 0,
});

const share = (draws: number, holds: () => boolean): number => {
  let held = 0;
  for (let d = 0; d < draws; d++) if (holds()) held++;
  return held / draws;
};

/**
 * Outcomes of `seeds` trainings on `n` samples, of which a share with these
 * log-odds is robust.
 */
function trainings(
  seeds: number,
  n: number,
  log: number,
  { spread, shared }: World,
  random: Random,
): boolean[][] {
  const hard = Array.from({ length: n }, () => random.uniform());
  return Array.from({ length: seeds }, () => {
    const own = expit(log + spread * random.normal());
    return hard.map((u) => (shared ? u : random.uniform()) < own);
  });
}

/** The log-odds about which normal ones of a spread have this share on average. */
function logOdds(p: number, spread: number): number {
  const nodes = Array.from({ length: 400 }, (_, i) => (i - 199.5) / 33);
  const weights = nodes.map((z) => Math.exp((-z * z) / 2));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const mean = (log: number) =>
    nodes.reduce((sum, z, i) => sum + weights[i]! * expit(log + spread * z), 0);
  let [low, high] = [-40, 40];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (mean(middle) / total < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const expit = (log: number) => 1 / (1 + Math.exp(-log));

/**
 * Counts of two judges of `n` samples, the share `alike` of which is as hard for both.
 */
function pairs(
  n: number,
  first: number,
  second: number,
  alike: number,
  random: Random,
) {
  const found = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (let i = 0; i < n; i++) {
    const hard = random.uniform();
    const isAlike = random.uniform() < alike;
    const one = hard < first;
    const other = (isAlike ? hard : random.uniform()) < second;
    if (one) found[other ? "both" : "onlyFirst"]++;
    else found[other ? "onlySecond" : "neither"]++;
  }
  return found;
}
