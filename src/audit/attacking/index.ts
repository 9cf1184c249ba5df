// From a planned cell to its score: open, craft, score, gather evidence.
export {
  type AloneAttack,
  type AloneBench,
  type AloneCell,
  openAlone,
} from "./alone.ts";
export {
  type Bench,
  type BenchOf,
  type Opened,
  openBenches,
  openFor,
  type Subject,
  subjectOf,
  tidy,
} from "./bench.ts";
export { decisions, type FoundDecision } from "./deciding.ts";
export { extentOf, isZero, rowsWhere } from "./evidence.ts";
export { fitDefenses, learns } from "./fit.ts";
export { fitOn } from "./fit-on.ts";
export { fitToSuite } from "./fit-to-suite.ts";
export { drawsFor } from "./seen.ts";
export {
  attackOnce,
  type CellMaker,
  type CellWorks,
  type ComputedCell,
  cellMaker,
  stepsOf,
} from "./works.ts";
