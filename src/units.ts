/**
 * What a module needs that brings units of its own: attacks, defences, strategies,
 * checks, reporters, sources of data. It exports them as `units`, and a suite names it
 * under `use`. docs/extending.md says what each kind has.
 *
 * @module assay/units
 */
/**
 * The schemas that parameters are declared by. A module takes this one: a suite's
 * schema is made of those of its units, and schemas of two versions of zod do not go
 * together.
 */
export { z } from "zod";

export {
  type Attack,
  type AttackInput,
  type Ball,
  ballOf,
  blackBox,
  byChance,
  type Family,
  type Norm,
  repaired,
  type TextAttack,
  type TextInput,
  whiteBox,
} from "#attacks";
export type { Evidence, Results, TrustCheck } from "#audit";
export { AssayError, type Chosen, type Need, Random, UsageError } from "#core";
export type { Dataset, Source, SourceSamples } from "#data";
export {
  type Detector,
  type DetectorParts,
  detectorParams,
  eachText,
  type Filtered,
  type FilterInput,
  type FilterRepair,
  type FitInput,
  type Fitted,
  type MendInput,
  type MendRepair,
  type OpenSanitizer,
  type Parts,
  type Repair,
  type RestoreInput,
  type RestoreRepair,
  type Sanitizer,
  type TextSanitizer,
  type TextTools,
} from "#defenses";
export type { Engine } from "#engine";
export type {
  Access,
  InputContract,
  LayerGroup,
  Limit,
  LossGradient,
  Model,
  NextTokens,
  Samples,
  Target,
} from "#model";
export {
  copyOf,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  ints,
  type Lent,
  reused,
  rows,
  sizeOf,
  string,
  takeRows,
} from "#onnx";
export type { Cell, Content, Kept, NamedFile, Reporter } from "#results";
export {
  type Adapted,
  type Batch,
  type Course,
  evenly,
  type Form,
  type LossGraph,
  type Moment,
  type Schedule,
  type Stage,
  type Strategy,
  type TrainingContext,
  type TrainingDefense,
  type TrainingDefenseSpec,
  type TrainingPart,
} from "#tuning";
export {
  defineAttack,
  defineDataSource,
  defineDetector,
  defineRepair,
  defineReporter,
  defineSanitizer,
  defineSchedule,
  defineStrategy,
  defineTextAttack,
  defineTextSanitizer,
  defineTrainingDefense,
  defineTrustCheck,
} from "./library/define-units.ts";
export type * from "./library/unit-types.ts";
