// What a run will compute, and why it cannot.
export { type PlannedCell, planCells, usesTarget } from "./cells.ts";
export type { PlannedDecision } from "./decided.ts";
export { lackOf } from "./needs.ts";
export { checkReferences } from "./references.ts";
export { statedResult } from "./stated.ts";
export { type PlannedTrial, planTrials } from "./trials.ts";
export { type Plan, planSuite, prepareSuite } from "./whole.ts";
