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
  defineRestore,
  defineDetector as detector,
  type detectorParams,
  type FilterRepair,
  type MendRepair,
  type RestoreRepair,
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
 * Declares an attack on inputs; see `Attack` for what it says of itself and gets. A
 * run refuses examples [N, ...shape] of another shape, outside ball or bounds, or not
 * finite.
 *
 * @example
 * ```ts
 * // random-points.ts
 * import { byChance, defineAttack, takeRows, z } from "assay/units";
 *
 * export const randomPoints = defineAttack({
 *   id: "random-points",
 *   title: "Random points",
 *   access: "label",
 *   family: "query",
 *   norms: ["linf", "l2"],
 *   reference: "this example",
 *   taxonomy: byChance,
 *   params: z.strictObject({ tries: z.int().positive().default(20) }),
 *   async run({ target, x, ball, params, random, onProgress }) {
 *     for (let i = 0; i < params.tries; i++) {
 *       const points = ball.randomPoint(x, random);
 *       const open = target.open();
 *       if (open.length === 0) break;
 *       await target.predict(takeRows(points, open), open);
 *       onProgress((i + 1) / params.tries);
 *     }
 *     return target.examples();
 *   },
 * });
 *
 * export const units = [randomPoints];
 * ```
 */
export const defineAttack = <S extends z.ZodObject>(
  unit: Attack<S>,
): Attack<S> => marked("attack", attack(unit));

/**
 * Declares an attack on texts. Its norm is "edits": `ball.eps` of them at most.
 *
 * @example
 * ```ts
 * // leave-out.ts
 * import { blackBox, defineTextAttack, z } from "assay/units";
 *
 * // Leaves out one letter after the other.
 * export const leaveOut = defineTextAttack({
 *   id: "leave-out",
 *   title: "A letter less",
 *   access: "label",
 *   family: "query",
 *   reference: "this example",
 *   taxonomy: blackBox,
 *   params: z.strictObject({}),
 *   async run({ target, x, ball, onProgress }) {
 *     const longest = Math.max(...x.map((text) => text.length));
 *     for (let at = 0; ball.eps >= 1 && at < longest; at++) {
 *       const open = target.open().filter((i) => at < x[i]!.length);
 *       const tries = open.map((i) => x[i]!.slice(0, at) + x[i]!.slice(at + 1));
 *       await target.predict(tries, open);
 *       onProgress((at + 1) / longest);
 *     }
 *     return target.examples();
 *   },
 * });
 * ```
 */
export const defineTextAttack = <S extends z.ZodObject>(
  unit: Omit<TextAttack<S>, "kind" | "norms">,
): TextAttack<S> => marked("text attack", textAttack(unit));

/**
 * Declares a sanitizer: a graph in front of a model, from x [N, ...shape] to the same
 * shape.
 *
 * @example
 * ```ts
 * // fade.ts
 * import { defineSanitizer, z } from "assay/units";
 *
 * export const fade = defineSanitizer({
 *   id: "fade",
 *   title: "Fade",
 *   reference: "this example",
 *   gradient: "exact",
 *   params: z.strictObject({ keep: z.number().min(0).max(1).default(0.9) }),
 *   build(b, x, { keep }, { contract }) {
 *     const [low, high] = contract.bounds;
 *     return b.add(b.mul(x, keep), ((1 - keep) * (low + high)) / 2);
 *   },
 * });
 * ```
 */
export const defineSanitizer = <S extends z.ZodObject>(
  unit: Omit<Sanitizer<S>, "kind">,
): Sanitizer<S> => marked("sanitizer", sanitizer(unit));

/**
 * Declares a detector: a score [N] that is high where an input is suspicious. Its
 * threshold is found on clean data. `detectorParams` are among its parameters.
 *
 * @example
 * ```ts
 * // low-logit.ts
 * import { defineDetector, detectorParams, int, z } from "assay/units";
 *
 * export const lowLogit = defineDetector({
 *   id: "low-logit",
 *   title: "Low logits",
 *   reference: "Hendrycks et al. 2022, arXiv:1911.11132",
 *   gradient: "exact",
 *   params: z.strictObject(detectorParams),
 *   build({ b, logits }) {
 *     const axes = b.ints([1]);
 *     return b.neg(b.op("ReduceMax", [logits, axes], { keepdims: int(0) }));
 *   },
 * });
 * ```
 */
export const defineDetector = <S extends z.ZodObject<typeof detectorParams>>(
  unit: Omit<Detector<S>, "kind">,
): Detector<S> => marked("detector", detector(unit));

/**
 * Declares a sanitizer of texts: a function in front of a tokenizer.
 *
 * @example
 * ```ts
 * // lower-case.ts
 * import { defineTextSanitizer, eachText, z } from "assay/units";
 *
 * export const lowerCase = defineTextSanitizer({
 *   id: "lower-case",
 *   title: "Lower case",
 *   reference: "this example",
 *   params: z.strictObject({}),
 *   open: async () => eachText((text) => text.toLowerCase()),
 * });
 * ```
 */
export const defineTextSanitizer = <S extends z.ZodObject>(
  unit: Omit<TextSanitizer<S>, "kind">,
): TextSanitizer<S> => marked("text sanitizer", textSanitizer(unit));

/**
 * Declares a proactive defence: a part of a training. What is left out is false.
 *
 * @example
 * ```ts
 * // uniform-noise.ts
 * import { defineTrainingDefense, z } from "assay/units";
 *
 * export const uniformNoise = defineTrainingDefense({
 *   id: "uniform-noise",
 *   title: "Uniform noise",
 *   reference: "this example",
 *   isAlone: () => true,
 *   params: z.strictObject({ size: z.number().positive().default(0.1) }),
 *   open: ({ size }) => ({
 *     prepare(batch, { random }) {
 *       const width = batch.x.data.length / random.length;
 *       const data = batch.x.data.map((v, k) => {
 *         const own = random[Math.floor(k / width)]!;
 *         return v + size * (own.uniform() - 0.5);
 *       });
 *       return { ...batch, x: { ...batch.x, data } };
 *     },
 *   }),
 * });
 * ```
 */
export const defineTrainingDefense = <S extends z.ZodObject>(
  unit: TrainingDefenseSpec<S>,
): TrainingDefense<S> => marked("training defence", trainingDefense(unit));

/**
 * Declares a repair: of kind "filter" it cleans the fine-tuning set, of kind "mend" it
 * changes tuned weights, of kind "restore" what a released model became where it was
 * trained on data of others.
 *
 * @example
 * ```ts
 * // without-brightest.ts
 * import { defineRepair, rows, z } from "assay/units";
 *
 * // Drops the brightest samples, such as those with a white patch.
 * export const withoutBrightest = defineRepair({
 *   kind: "filter",
 *   id: "without-brightest",
 *   title: "Without the brightest",
 *   reference: "this example",
 *   params: z.strictObject({ share: z.number().min(0).lt(1).default(0.1) }),
 *   async filter({ train: { x, y }, params }) {
 *     const light = Array.from(y, (_, i) =>
 *       rows(x, i, i + 1).data.reduce((sum, v) => sum + v, 0),
 *     );
 *     const kept = [...y.keys()]
 *       .sort((a, b) => light[a]! - light[b]!)
 *       .slice(0, Math.ceil((1 - params.share) * y.length))
 *       .sort((a, b) => a - b);
 *     return { rows: kept, y: Int32Array.from(kept, (i) => y[i]!) };
 *   },
 * });
 * ```
 */
export const defineRepair = <
  S extends z.ZodObject,
  R extends FilterRepair<S> | MendRepair<S> | RestoreRepair<S>,
>(
  unit: R & { readonly params: S },
): R =>
  marked(
    "repair",
    (unit.kind === "filter"
      ? defineFilter(unit)
      : unit.kind === "mend"
        ? defineMend(unit)
        : defineRestore(unit)) as R,
  );

/**
 * Declares a strategy of fine-tuning: which layer groups are trained in which epochs,
 * and at which multiples of the stated learning rate.
 *
 * @example
 * ```ts
 * // top-two.ts
 * import { defineStrategy, evenly, z } from "assay/units";
 *
 * export const topTwo = defineStrategy({
 *   id: "top-two",
 *   title: "The last two groups",
 *   reference: "this example",
 *   params: z.strictObject({}),
 *   stages: (groups, epochs) => [{ epochs, rates: evenly(groups.slice(-2)) }],
 * });
 * ```
 */
export const defineStrategy = <S extends z.ZodObject>(
  unit: Strategy<S>,
): Strategy<S> => marked("strategy", unit);

/**
 * Declares a schedule of the learning rate: a factor from 0 on for each step.
 *
 * @example
 * ```ts
 * // straight-down.ts
 * import { defineSchedule, z } from "assay/units";
 *
 * export const straightDown = defineSchedule({
 *   id: "straight-down",
 *   title: "Straight down",
 *   reference: "this example",
 *   params: z.strictObject({ last: z.number().min(0).max(1).default(0) }),
 *   course: ({ last }, total) => ({
 *     factor: (step) => last + (1 - last) * (1 - step / total),
 *   }),
 * });
 * ```
 */
export const defineSchedule = <S extends z.ZodObject>(
  unit: Schedule<S>,
): Schedule<S> => marked("schedule", unit);

/**
 * Declares a trust check, of cells whose numbers count; see `Evidence` for what it may
 * know of one.
 *
 * @example
 * ```ts
 * // few-samples.ts
 * import { defineTrustCheck } from "assay/units";
 *
 * export const fewSamples = defineTrustCheck({
 *   id: "few-samples",
 *   title: "Enough samples",
 *   judge: ({ outcomes: { length } }) => ({
 *     status: length < 100 ? "warned" : "passed",
 *     message: `${length} samples were attacked`,
 *   }),
 * });
 * ```
 */
export const defineTrustCheck = (unit: TrustCheck): TrustCheck =>
  marked("trust check", unit);

/**
 * Declares a form of the results; `assay run --reporter id` writes it.
 *
 * @example
 * ```ts
 * // lines.ts
 * import { defineReporter } from "assay/units";
 *
 * export const lines = defineReporter({
 *   id: "lines",
 *   title: "A line for each cell",
 *   reference: "-",
 *   file: "cells.txt",
 *   render: ({ cells }) =>
 *     cells.map((cell) => `${cell.id} ${cell.robustAccuracy.value}\n`).join(""),
 * });
 * ```
 */
export const defineReporter = (unit: Reporter): Reporter =>
  marked("reporter", unit);

/**
 * Declares a source of numbers [N, ...shape] in [0, 1]. Its schema has the literal key
 * `source`, its name.
 *
 * @example
 * ```ts
 * // stripes.ts
 * import { defineDataSource, floats, Random, z } from "assay/units";
 *
 * export const stripes = defineDataSource({
 *   schema: z.strictObject({
 *     source: z.literal("stripes"),
 *     samples: z.int().positive().default(100),
 *   }),
 *   async read({ samples }) {
 *     const random = new Random(1);
 *     const y = Int32Array.from({ length: samples }, (_, i) => i % 2);
 *     const light = Array.from(y, () => 0.5 + 0.5 * random.uniform());
 *     const x = Float32Array.from({ length: samples * 64 }, (_, k) => {
 *       const sample = Math.floor(k / 64);
 *       const at = y[sample] === 1 ? k : Math.floor(k / 8);
 *       return (at % 2) * light[sample]!;
 *     });
 *     return {
 *       name: "stripes",
 *       x: floats([samples, 1, 8, 8], x),
 *       y,
 *       classes: ["lying", "standing"],
 *       locate: (_part, sample) => `stripes, sample ${sample ?? "unknown"}`,
 *     };
 *   },
 * });
 * ```
 */
export const defineDataSource = <S extends SourceSchema>(
  unit: Source<S>,
): Source<S> => marked("data source", defineSource(unit));
