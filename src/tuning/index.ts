export {
  type Adaptation,
  adaptations,
  type JointAdaptation,
  type SourceFreeAdaptation,
} from "./adaptations/index.ts";
export { type AnswerTokens, answerTokens } from "./answer-tokens.ts";
export type { Architecture } from "./architectures/architecture.ts";
export { architectureOf, architectures } from "./architectures/index.ts";
export { type Augmentation, augmentations } from "./augmentations/index.ts";
export {
  type Criterion,
  classCriterion,
  distributionCriterion,
  squareCriterion,
} from "./criteria.ts";
export {
  type Adapted,
  type Factors,
  factorsOf,
  isMatrix,
  readsInputFirst,
} from "./low-rank.ts";
export { atMoved, lengthOf } from "./moved.ts";
export {
  jointDataset,
  manyTasks,
  placesOf,
  type TaskSamples,
  type Weighting,
  weightings,
} from "./multi-task/index.ts";
export { adamw } from "./optimizers/adamw.ts";
export { type Optimizer, optimizers } from "./optimizers/index.ts";
export type {
  Batch,
  BatchGradient,
  LossGraph,
  Moment,
  OpenPart,
  TrainingContext,
  TrainingPart,
  Validated,
} from "./part.ts";
export { batchOfPass, openPlainStep } from "./plain-step.ts";
export { type Regularizer, regularizers } from "./regularizers/index.ts";
export {
  type Course,
  defineSchedule,
  type Schedule,
  type ScheduleFunction,
  scheduleOf,
  schedules,
} from "./schedules/index.ts";
export {
  settingsSchema,
  type TrainingSettings,
  trainingSettings,
  trainingSettingsOf,
} from "./settings.ts";
export { openShelf, type Room, type Shelf } from "./shelf.ts";
export { openSlope } from "./slope.ts";
export { openStep, sampleOf, type TrainingStep } from "./step.ts";
export {
  defineStrategy,
  evenly,
  type Form,
  formOf,
  type Stage,
  type Strategy,
  strategies,
} from "./strategies/index.ts";
export { interpolated } from "./strategies/interpolate.ts";
export {
  klDivergence,
  likeliestOther,
  mean,
  probabilityOf,
  squaredLength,
} from "./terms.ts";
export type { Epoch, Tuned, TuneInput } from "./training.ts";
export {
  asPart,
  defineTrainingDefense,
  type TrainingDefense,
  type TrainingDefenseSpec,
} from "./training-defense.ts";
export { rehearse, tune } from "./tune.ts";
export { inOneStage, tuneEvenly } from "./tune-evenly.ts";
