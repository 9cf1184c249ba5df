// Intervals, tests and distributions: numbers that know nothing of models.
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
export {
  mcnemar,
  moreOften,
  type Paired,
  pairedRatio,
  pairsOf,
  tango,
} from "./paired.ts";
export { areaInterval, roc } from "./roc.ts";
