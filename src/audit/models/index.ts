// Base and candidates: read or trained, kept, and looked at before anything counts.

export { measured } from "./accuracy.ts";
export { checkModels, type Models, makeModels } from "./all.ts";
export { outlineOf } from "./base.ts";
export { outlineOfCandidate } from "./candidate.ts";
export { decisions, REFUSED } from "./decisions.ts";
export { epochFile } from "./epochs.ts";
export {
  type Guesswork,
  guessworkInWords,
  guessworkOf,
  isGuesswork,
} from "./guesswork.ts";
export type { Preflight } from "./preflight.ts";
export type { Known, ReadyModel, Workshop } from "./ready.ts";
export { modelResults } from "./results.ts";
export { filesOfModel } from "./train-once.ts";
export { rememberedIn, type TryModel } from "./try-model.ts";
export { tuneFrom } from "./tuned.ts";
