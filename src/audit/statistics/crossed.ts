import { bisect, normalCdf, normalQuantile } from "./distributions.ts";
import { exactInterval, type Interval } from "./intervals.ts";

/**
 * Scale of the half-Cauchy prior on how far trainings lie apart, as a standard
 * deviation of log-odds: half of it is below, that is below 10 points at a share of
 * one half.
 */
const SPREAD = 0.4;

/** Spreads that stand for the prior: quantiles of equal shares. */
const SPREADS = Array.from(
  { length: 100 },
  (_, i) => SPREAD * Math.tan(((i + 0.5) / 100) * (Math.PI / 2)),
);

const Z = normalQuantile(0.975);

/**
 * 95 % interval of the share that trainings reach on average, over seeds and over the
 * samples that could have been drawn. All rows are of the same samples, so outcomes
 * depend on each other both ways: the seeds of a sample, and the samples of a seed.
 *
 * Samples count once however many seeds saw them. What seeds add comes from the
 * normal hierarchical model: a row's share lies about the mean by a spread of its own
 * and by what is left of each sample's luck. Two to five rows say little of that
 * spread, and t-intervals on them are either far too short or have no use (Friede et
 * al. 2017, Biometrical Journal 59:658), so it has a half-Cauchy prior on log-odds
 * (Gelman 2006, Bayesian Analysis 1:515; scales as in Röver et al. 2021, Research
 * Synthesis Methods 12:448) and is integrated out. By so much as this exceeds the
 * samples' own error there are fewer samples in effect, of which the exact interval is
 * taken (Korn and Graubard 1998, Survey Methodology 24:193). So it has a width where
 * all or no sample is robust.
 *
 * `npm run truths -- --only seeds-interval` simulates it: it covers 94 % and more
 * where seeds lie up to 0.5 in log-odds apart. Of 200 samples at one half, where one
 * seed's is 0.14 wide, it is 0.29, 0.40 and 0.53 wide for two seeds 0.02, 0.05 and 0.1
 * apart, and 0.14 and 0.18 for five that lie over 0.02 and 0.1.
 *
 * @param rows of each training, at least two: of each sample whether it is a success
 */
export function crossedInterval(
  rows: readonly (readonly boolean[])[],
): Interval {
  const n = rows[0]?.length ?? 0;
  const { mean, between, within } = spreads(rows);
  const shrunk = (n * mean + 0.5) / (n + 1);
  const binomial = shrunk * (1 - shrunk);
  const ofSamples = binomial / n;
  const degrees = rows.length - 1;
  // A row's variance about the mean, for each spread that there may be.
  const spread = SPREADS.map((s) => (s * binomial) ** 2);
  // Half a sample's luck stands for what so few rows did not show.
  const luck = (within + 0.5 / n) / n;
  const logs = spread.map((v) => {
    const variance = v + luck;
    return (-degrees * Math.log(variance) - between / variance) / 2;
  });
  const largest = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - largest));
  const total = sum(weights);
  const errors = spread.map((v) => Math.sqrt(v / rows.length + ofSamples));
  const beyond = (reach: number) =>
    sum(weights.map((w, i) => w * (1 - normalCdf(reach / errors[i]!)))) / total;
  const reach = bisect((x) => beyond(x) > 0.025, 0, Z * Math.max(...errors));
  const samples = binomial * (Z / reach) ** 2;
  return exactInterval(samples * mean, samples);
}

/**
 * The mean of all, the squared distances of the rows' means from it, and the variance
 * of what rows and samples do not explain.
 */
function spreads(rows: readonly (readonly boolean[])[]) {
  const n = rows[0]?.length ?? 0;
  const k = rows.length;
  const ofRow = rows.map((row) => row.filter(Boolean).length / n);
  const ofSample = Array.from(
    { length: n },
    (_, i) => rows.filter((row) => row[i]).length / k,
  );
  const mean = sum(ofRow) / k;
  const between = sum(ofRow.map((v) => (v - mean) ** 2));
  const left = rows.flatMap((row, s) =>
    row.map((one, i) => (Number(one) - ofRow[s]! - ofSample[i]! + mean) ** 2),
  );
  return {
    mean,
    between,
    within: sum(left) / Math.max(1, (n - 1) * (k - 1)),
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, v) => total + v, 0);
