/**
 * Models, attacks and audits, from code.
 *
 * @module assay
 */

import type { SuiteInput } from "#audit";

export type { Attack, TextAttack } from "#attacks";
export {
  type AuditEvent,
  compareResults,
  type OnEvent,
  readResults,
  type SuiteInput,
} from "#audit";
export { AssayError, InterruptedError, UsageError } from "#core";
export {
  type DataSpecInput,
  type Dataset,
  type Shares,
  selectClasses,
} from "#data";
export type { EngineChoice } from "#engine";
export {
  type Inspection,
  type LoadModelOptions,
  type LossGradient,
  loadModel,
  type Model,
  type Queries,
  saveModel,
  type Task,
  type TaskInput,
} from "#model";
export { type FloatTensor, floats } from "#onnx";
export { renderHtml, renderMarkdown } from "#reports";
export {
  type CandidateResult,
  type Cell,
  type Check,
  type Compared,
  type Comparison,
  type Fate,
  type Finding,
  type GateRule,
  type Norm,
  type Rate,
  type Results,
  resultsSchema,
  type ThreatModel,
  type Trial,
  type WorstCase,
} from "#results";
export type { Epoch, ScheduleFunction } from "#tuning";
export {
  type AttackOptions,
  type AttackResult,
  attack,
} from "./library/attack.ts";
export {
  type AutoAttackOptions,
  type AutoAttackResult,
  autoattack,
} from "./library/autoattack.ts";
export type { Choice } from "./library/choice.ts";
export {
  type DatasetInput,
  dataset,
  loadData,
  sampleData,
  splitData,
} from "./library/data.ts";
export { defend, type FitData } from "./library/defend.ts";
export { type Evaluation, evaluate } from "./library/evaluate.ts";
export {
  type FineTuned,
  type FineTuneOptions,
  fineTune,
  type Named,
} from "./library/fine-tune.ts";
export { inspect } from "./library/inspect.ts";
export { type LossOptions, type OpenModel, open } from "./library/open.ts";
export {
  planSuite,
  type RunSuiteOptions,
  runSuite,
  type SuitePlan,
} from "./library/run-suite.ts";
export type { Samples } from "./library/samples.ts";
export type * from "./library/types.ts";

/**
 * A suite as a module exports it: `export const suite = defineSuite({ ... })`. A
 * schedule may be a function of step and total.
 *
 * @example
 * ```ts
 * import { defineSuite } from "assay";
 *
 * export const suite = defineSuite({
 *   version: 1,
 *   title: "Digits",
 *   data: { source: "digits" },
 *   candidates: { given: { model: "digits.onnx" } },
 *   threatModels: { "linf-0.1": { norm: "linf", eps: 0.1 } },
 *   attacks: { pgd: { id: "pgd", steps: 10 } },
 * });
 * ```
 */
export const defineSuite = (suite: SuiteInput): SuiteInput => suite;
