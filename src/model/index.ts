export { evaluate, flat, hidden, penultimate, pooled } from "./activations.ts";
export { type AdaptedModule, adaptedModules, configOf } from "./adapter.ts";
export {
  accuracyOf,
  argmaxRows,
  classesSeen,
  logitsOf,
  saidBy,
  softmaxRows,
} from "./answers.ts";
export { answersAsGiven, type Given } from "./as-given/answers.ts";
export { forwardRows, gradientRows } from "./batches.ts";
export type { Beside } from "./beside.ts";
export {
  type CompiledModel,
  compile,
  type Draws,
  type Input,
  type LiveWeights,
  type LossGradient,
  weightsAsInputs,
} from "./compiled.ts";
export { contractSchema, type InputContract } from "./contract.ts";
export { type CutPlace, cutOff } from "./cut-off.ts";
export { type Cut, cutsOf, featuresAt } from "./cuts.ts";
export {
  addFlag,
  asAttacked,
  rejections,
} from "./detection.ts";
export { type Detector, isFlagged, mayRefuse } from "./detector.ts";
export {
  isAboutGradients,
  loadGradient,
  whyNoGradient,
  withInputGradient,
} from "./differentiated.ts";
export { atEmbedding } from "./embedding.ts";
export type { Family, FamilyId } from "./family.ts";
export { type FeatureMap, openFeatures } from "./feature-map.ts";
export type { FeaturesAt } from "./features-at.ts";
export { firstRun } from "./first-run.ts";
export { type Crossing, type Divided, divide } from "./frozen-body.ts";
export { openMatcher } from "./gradient-match.ts";
export { headInput, neuronsOf, replaceHead } from "./head.ts";
export {
  groupHeads,
  headColumns,
  headModel,
  modelTask,
  withHeads,
} from "./heads.ts";
export { type Inspection, inspectModel, type Problem } from "./inspect.ts";
export { asFed, embeddingTable } from "./integers.ts";
export { type Kin, kinshipOf } from "./kinship.ts";
export { type LanguageModel, openLanguageModel } from "./language.ts";
export { type LayerGroup, layerGroups, matches } from "./layers.ts";
export {
  type LoadModelOptions,
  loadModel,
  modelOf,
  openModel,
} from "./load.ts";
export { labelTensor, type Objective } from "./loss-pass.ts";
export {
  type Answers,
  type Head,
  type HeadSpec,
  type Model,
  outputsOf,
  type TargetUnit,
} from "./model.ts";
export { logitsAt, type NextTokens } from "./next-tokens.ts";
export { drawNoise, type NoiseInput } from "./noise.ts";
export type { Operators } from "./operators.ts";
export type { Chosen as ChosenOutput } from "./outputs/choose.ts";
export { type Pool, pools } from "./outputs/features.ts";
export type { Source as OutputSource } from "./outputs/found.ts";
export { ownLabels } from "./own-labels.ts";
export type { RawUnits } from "./preprocessing.ts";
export { filesOf, hashGraph, readGraph } from "./read.ts";
export type { Reading } from "./reading.ts";
export { type Residual, residualOf } from "./residual.ts";
export {
  copyOfSamples,
  countOf,
  putSamples,
  type Samples,
  sampleAt,
  samplesAt,
} from "./samples.ts";
export { isOurs, recordedClasses, saveModel, toFile } from "./saved.ts";
export { gradientErrors, type SelfCheck } from "./self-check.ts";
export { signals } from "./signal.ts";
export type { Stored } from "./stored.ts";
export { grantAccess, type Queries, type Target } from "./target.ts";
export { inTargetUnits, unitOf } from "./target-units.ts";
export {
  areLabels,
  bestConstant,
  chanceOf,
  isPlaced,
  isPositioned,
  type Meaning,
  type Measure,
  meaningOf,
  type Task,
  type TaskInput,
  type Truth,
  taskSchema,
  tooShortFor,
} from "./tasks/index.ts";
export type { Access, Answering, Limit, Terms } from "./terms.ts";
export { findWeights, layerOps } from "./weights.ts";
