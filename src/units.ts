/**
 * What a module needs that brings units of its own: attacks, defences, strategies,
 * checks, reporters, sources of data. It exports them as `units`, and a suite names it
 * under `use`. docs/extending.md says what each kind has.
 *
 * @module assay/units
 */
import type { z } from "zod";
import {
  type Attack,
  defineAttack as attack,
  type TextAttack,
  defineTextAttack as textAttack,
} from "#attacks";
import type { TrustCheck } from "#audit";
import { defineSource, type Source, type SourceSchema } from "#data";
import {
  type Detector,
  defineFilter,
  defineMend,
  defineDetector as detector,
  type detectorParams,
  type FilterRepair,
  type MendRepair,
  type Sanitizer,
  defineSanitizer as sanitizer,
  type TextSanitizer,
  defineTextSanitizer as textSanitizer,
} from "#defenses";
import type { Reporter } from "#results";
import {
  type Schedule,
  type Strategy,
  type TrainingDefense,
  type TrainingDefenseSpec,
  defineTrainingDefense as trainingDefense,
} from "#tuning";
import { marked } from "#units";

/**
 * The schemas that parameters are declared by. A module takes this one: a suite's
 * schema is made of those of its units, and schemas of two versions of zod do not go
 * together.
 */
export { z } from "zod";

/** Declares an attack on inputs; see `Attack`. */
export const defineAttack = <S extends z.ZodObject>(
  unit: Attack<S>,
): Attack<S> => marked("attack", attack(unit));

/** Declares an attack on texts. Its norm is "edits". */
export const defineTextAttack = <S extends z.ZodObject>(
  unit: Omit<TextAttack<S>, "kind" | "norms">,
): TextAttack<S> => marked("text attack", textAttack(unit));

/** Declares a sanitizer: a graph in front of a model. */
export const defineSanitizer = <S extends z.ZodObject>(
  unit: Omit<Sanitizer<S>, "kind">,
): Sanitizer<S> => marked("sanitizer", sanitizer(unit));

/** Declares a detector. `detectorParams` are among its parameters. */
export const defineDetector = <S extends z.ZodObject<typeof detectorParams>>(
  unit: Omit<Detector<S>, "kind">,
): Detector<S> => marked("detector", detector(unit));

/** Declares a sanitizer of texts: a function in front of a tokenizer. */
export const defineTextSanitizer = <S extends z.ZodObject>(
  unit: Omit<TextSanitizer<S>, "kind">,
): TextSanitizer<S> => marked("text sanitizer", textSanitizer(unit));

/** Declares a proactive defence. What is left out is false. */
export const defineTrainingDefense = <S extends z.ZodObject>(
  unit: TrainingDefenseSpec<S>,
): TrainingDefense<S> => marked("training defence", trainingDefense(unit));

/**
 * Declares a repair: of kind "filter" it cleans the fine-tuning set, of kind "mend" it
 * changes tuned weights.
 */
export const defineRepair = <
  S extends z.ZodObject,
  R extends FilterRepair<S> | MendRepair<S>,
>(
  unit: R & { readonly params: S },
): R =>
  marked(
    "repair",
    (unit.kind === "filter" ? defineFilter(unit) : defineMend(unit)) as R,
  );

/** Declares a strategy of fine-tuning. */
export const defineStrategy = <S extends z.ZodObject>(
  unit: Strategy<S>,
): Strategy<S> => marked("strategy", unit);

/** Declares a schedule of the learning rate. */
export const defineSchedule = <S extends z.ZodObject>(
  unit: Schedule<S>,
): Schedule<S> => marked("schedule", unit);

/** Declares a trust check, of cells whose numbers count. */
export const defineTrustCheck = (unit: TrustCheck): TrustCheck =>
  marked("trust check", unit);

/** Declares a form of the results; `assay run --reporter id` writes it. */
export const defineReporter = (unit: Reporter): Reporter =>
  marked("reporter", unit);

/** Declares a source of numbers. Its schema has the literal key `source`, its name. */
export const defineDataSource = <S extends SourceSchema>(
  unit: Source<S>,
): Source<S> => marked("data source", defineSource(unit));

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
  rows,
  sizeOf,
  string,
  takeRows,
} from "#onnx";
export type { Cell, Content, Kept, NamedFile, Reporter } from "#results";
export {
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
export type * from "./library/unit-types.ts";
