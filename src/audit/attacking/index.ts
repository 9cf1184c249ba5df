// From a planned cell to its score: open, craft, score, gather evidence.
export { type Attacked, attackAll } from "./all.ts";
export {
  type Attacking,
  type Bench,
  drawsFor,
  type Opened,
  openFor,
  prepareAttacks,
  release,
} from "./bench.ts";
export { type ComputedCell, computeCell } from "./cell.ts";
export { extentOf, isZero, rowsWhere } from "./evidence.ts";
export { readExamples } from "./examples.ts";
export { fitDefenses, learns } from "./fit.ts";
export { fitToSuite } from "./fit-to-suite.ts";
