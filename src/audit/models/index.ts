// Base and candidates: read or trained, kept, and looked at before anything counts.
export { requireHeadFor } from "./adapted.ts";
export { checkModels, type Models, makeModels } from "./all.ts";
export { outlineOf } from "./base.ts";
export {
  checkAsItIs,
  givenCandidate,
  recipeOf,
} from "./candidate.ts";
export { decisions, REFUSED } from "./decisions.ts";
export { epochFile } from "./epochs.ts";
export {
  describeTuning,
  keepTuned,
  planTuning,
  withNewHead,
} from "./fine-tuning.ts";
export { jointTuning } from "./joint.ts";
export { trainingKey } from "./keep.ts";
export type { Known, ReadyModel, Workshop } from "./ready.ts";
export { modelResults } from "./results.ts";
