import type { SuiteInput } from "#audit";

export type { Attack, TextAttack } from "#attacks";
export type { SuiteInput } from "#audit";
export { AssayError, InterruptedError, UsageError } from "#core";
export { type Dataset, type Shares, selectClasses } from "#data";
export {
  type LoadModelOptions,
  type LossGradient,
  loadModel,
  type Model,
  saveModel,
} from "#model";
export { type FloatTensor, floats } from "#onnx";
export type { Check, Fate, Norm, Rate } from "#results";
export {
  type AttackChoice,
  type AttackOptions,
  type AttackResult,
  attack,
} from "./library/attack.ts";
export {
  type AutoAttackOptions,
  type AutoAttackResult,
  autoattack,
} from "./library/autoattack.ts";
export {
  type DatasetInput,
  dataset,
  loadData,
  sampleData,
  splitData,
} from "./library/data.ts";
export { type Evaluation, evaluate } from "./library/evaluate.ts";
export { type LossOptions, type OpenModel, open } from "./library/open.ts";
export type { Samples } from "./library/samples.ts";

/**
 * A suite as a module exports it: `export const suite = defineSuite({ ... })`. A
 * schedule may be a function of step and total.
 */
export const defineSuite = (suite: SuiteInput): SuiteInput => suite;
