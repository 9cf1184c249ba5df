export { type Architecture, architectures } from "./architectures/index.ts";
export { type Optimizer, optimizers } from "./optimizers/index.ts";
export { type Schedule, schedules } from "./schedules/index.ts";
export { type TrainingSettings, trainingSettings } from "./settings.ts";
export {
  type Form,
  formOf,
  type Stage,
  type Strategy,
  strategies,
} from "./strategies/index.ts";
export {
  defineTrainingDefense,
  type TrainingBatch,
  type TrainingDefense,
} from "./training-defense.ts";
export { type Epoch, type Tuned, type TuneInput, tune } from "./tune.ts";
