// Base and candidates: read or trained, kept, and looked at before anything counts.

export { measured } from "./accuracy.ts";
export { type Models, openModels } from "./all.ts";
export { outlineOf } from "./base.ts";
export {
  candidateKey,
  outlineOfCandidate,
  rehearseCandidate,
} from "./candidate.ts";
export { decisions, REFUSED } from "./decisions.ts";
export { epochFile } from "./epochs.ts";
export { fineTuningFrom, planTuning } from "./fine-tuning.ts";
export {
  type Guesswork,
  guessworkInWords,
  guessworkOf,
  isGuesswork,
} from "./guesswork.ts";
export type { Look } from "./look.ts";
export { type Preflight, preflight } from "./preflight.ts";
export type { Known, ReadyModel, Workshop } from "./ready.ts";
export { filesOfModel, recordOf } from "./train-once.ts";
export { rememberedIn, type TryModel } from "./try-model.ts";
export { tuneFrom } from "./tuned.ts";
export {
  type Foreseen,
  type ModelWorks,
  modelWorks,
  passesOfTraining,
  saidInLook,
  trainingOf,
} from "./works.ts";
