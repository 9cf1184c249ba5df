// Intervals, tests and distributions: numbers that know nothing of models.
export { anytimeInterval, anytimeRate } from "./anytime.ts";
export {
  type Bound,
  evidenceAgainst,
  exactLike,
  type IntervalAt,
  isOutside,
  isWithin,
  normalLike,
} from "./confidence.ts";
export { crossedInterval } from "./crossed.ts";
export {
  fitGamma,
  gammaCdf,
  normalQuantile,
  studentQuantile,
} from "./distributions.ts";
export {
  clopperPearson,
  clusteredInterval,
  type Interval,
  meanOfShares,
  newcombe,
  rate,
  successesOf,
} from "./intervals.ts";
export { holm } from "./multiplicity.ts";
export {
  mcnemar,
  moreOften,
  newcombePaired,
  type Paired,
  pairedRatio,
  pairsOf,
  tango,
} from "./paired.ts";
export {
  samplesForPairs,
  samplesForShare,
  timesAsMany,
} from "./planning.ts";
export { areaInterval, roc } from "./roc.ts";
