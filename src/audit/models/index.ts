// Base and candidates: read or trained, kept, and looked at before anything counts.
export { requireHeadFor } from "./adapted.ts";
export { makeBase, makeUnrelated, outlineOf } from "./base.ts";
export {
  checkAsItIs,
  givenCandidate,
  makeCandidate,
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
export { jointTuning, makeMember } from "./joint.ts";
export { trainingKey } from "./keep.ts";
export { preflight } from "./preflight.ts";
export type { Known, ReadyModel, Workshop } from "./ready.ts";
export { baseResult, candidateResult } from "./results.ts";
