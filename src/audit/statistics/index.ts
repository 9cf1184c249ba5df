// Intervals, tests and distributions: numbers that know nothing of models.
export { type Flags, ratioIntervals } from "./bootstrap.ts";
export {
  fitGamma,
  gammaCdf,
  normalQuantile,
  studentQuantile,
} from "./distributions.ts";
export {
  clopperPearson,
  type Interval,
  mcnemar,
  meanOf,
  newcombe,
  newcombePaired,
  pairsOf,
  rate,
  successesOf,
} from "./intervals.ts";
export { areaInterval, roc } from "./roc.ts";
