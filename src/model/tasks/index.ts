import { z } from "zod";
import { AssayError, nearest } from "#core";
import type { FloatTensor } from "#onnx";
import { oneClass } from "./classes.ts";
import { ctc } from "./ctc.ts";
import { languageModel } from "./lm.ts";
import type { Meaning } from "./meaning.ts";
import { multiLabel } from "./multi-label.ts";
import { positions } from "./positions.ts";
import { regression } from "./regression.ts";

export { tooShortFor } from "./ctc-rows.ts";
export type { Meaning, Measure, Truth } from "./meaning.ts";
export { areLabels } from "./multi-label.ts";

/** What a suite says that the outputs of its models mean. */
export const taskSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({ kind: z.literal("classes") })
    .describe("One class a sample: a logit for each."),
  z
    .strictObject({ kind: z.literal("binary") })
    .describe("One of two classes a sample: a single logit, of the second."),
  z
    .strictObject({
      kind: z.literal("multi-label"),
      flips: z
        .int()
        .positive()
        .default(1)
        .describe("How many labels have to be wrong before a sample is."),
      labels: z
        .array(z.string())
        .min(1)
        .optional()
        .describe("The labels that count; all when left out."),
    })
    .describe("Several labels a sample: a logit for each."),
  z
    .strictObject({
      kind: z.literal("regression"),
      tolerance: z
        .number()
        .positive()
        .describe(
          "A sample is wrong when an output is farther from its target than this.",
        ),
      spread: z
        .array(z.number().positive())
        .min(1)
        .optional()
        .describe(
          "The unit of each output in which losses are measured; of what a run trains, the standard deviation of its targets.",
        ),
    })
    .describe("Values rather than classes."),
  z
    .strictObject({
      kind: z.literal("positions"),
      measure: z
        .enum(["share", "iou"])
        .default("share")
        .describe(
          "What a sample is judged by: the share of its positions that are right, or the mean intersection over union of its classes.",
        ),
      least: z
        .number()
        .positive()
        .max(1)
        .describe("A sample is wrong when it reaches less than this of it."),
      axis: z
        .enum(["first", "last"])
        .optional()
        .describe(
          "Where the outputs [N, classes, ...] or [N, ..., classes] have the classes; told by their number when left out.",
        ),
      shape: z
        .array(z.int().positive())
        .min(1)
        .optional()
        .describe("The shape of the positions; told by the model."),
    })
    .describe(
      "A class at each position: of each pixel, of each token, of each step of a series.",
    ),
  z
    .strictObject({
      kind: z.literal("ctc"),
      blank: z
        .int()
        .nonnegative()
        .default(0)
        .describe("Which output is the blank, counted from 0."),
      most: z
        .int()
        .positive()
        .default(32)
        .describe("The most classes that a label has."),
      axis: z
        .enum(["first", "last"])
        .optional()
        .describe(
          "Where the outputs [N, classes, steps] or [N, steps, classes] have the classes; told by their number when left out. Steps may come first of all.",
        ),
      stepsFirst: z
        .boolean()
        .optional()
        .describe(
          "Whether outputs are [steps, N, classes]; told by the model.",
        ),
      shape: z
        .tuple([z.int().positive()])
        .optional()
        .describe("The number of steps; told by the model."),
    })
    .describe(
      "A sequence of classes without an alignment (CTC): of speech, of lines of text.",
    ),
  z
    .strictObject({
      kind: z.literal("lm"),
      axis: z
        .enum(["first", "last"])
        .default("last")
        .describe("Where the outputs [N, length, tokens] have the tokens."),
      shape: z
        .array(z.int().positive())
        .min(1)
        .optional()
        .describe("The number of positions; told by the model."),
    })
    .describe(
      "A causal language model: the logits of the next token at each position.",
    ),
]);

export type Task = z.output<typeof taskSchema>;

/** The same as a person writes it, before defaults. */
export type TaskInput = z.input<typeof taskSchema>;

/** A task whose outputs are scores of classes at places or steps. */
export type PlacedTask = Extract<Task, { kind: "positions" | "ctc" | "lm" }>;

/** A task with a class at each position of a sample. */
export type PositionedTask = Extract<Task, { kind: "positions" | "lm" }>;

export const isPositioned = (task: Task): task is PositionedTask =>
  task.kind === "positions" || task.kind === "lm";

export const isPlaced = (task: Task | undefined): task is PlacedTask =>
  task?.kind === "positions" || task?.kind === "ctc" || task?.kind === "lm";

/**
 * A model's task as it is once opened: a binary model has become one of two classes.
 */
interface Tasked {
  readonly classes: readonly string[];
  /** A classifier when left out. */
  readonly task?: Task;
}

/**
 * What the outputs of a model mean.
 *
 * @throws TASK_LABELS when the task names labels that the model does not have, or wants
 *   more flips than there are labels
 */
export function meaningOf({ classes, task }: Tasked): Meaning {
  switch (task?.kind) {
    case "multi-label": {
      const counted = task.labels?.map((name) => indexOf(name, classes));
      const most = counted?.length ?? classes.length;
      if (task.flips > most) {
        throw new AssayError(
          "TASK_LABELS",
          `task.flips is ${task.flips}, and ${most} label${most === 1 ? " counts" : "s count"}`,
          "Lower flips, or name more labels.",
        );
      }
      return multiLabel(classes, task.flips, counted);
    }
    case "regression":
      return regression(classes, task.tolerance, spreadOf(task, classes));
    case "positions":
      return positions(classes, task);
    case "ctc":
      return ctc(classes, task);
    case "lm":
      return languageModel(classes);
    default:
      return oneClass(classes);
  }
}

function spreadOf(
  { spread }: Extract<Task, { kind: "regression" }>,
  classes: readonly string[],
): readonly number[] {
  if (!spread) return classes.map(() => 1);
  if (spread.length === classes.length) return spread;
  throw new AssayError(
    "TASK_SPREAD",
    `task.spread has ${spread.length} numbers, the model has ${classes.length} outputs (${classes.join(", ")})`,
    "State one for each output, or leave it out.",
  );
}

function indexOf(name: string, classes: readonly string[]): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  const meant = nearest(name, classes);
  throw new AssayError(
    "TASK_LABELS",
    `task.labels names "${name}", which is no output of the model (${classes.join(", ")})`,
    meant ? `Did you mean "${meant}"?` : "Name outputs of the model.",
  );
}

/** The most answers that are tried as the one that is always given. */
const ANSWERS = 200;

/**
 * The accuracy of guessing: one over the number of classes, or what the best of the
 * targets would reach as the answer to all.
 */
export function chanceOf(model: Tasked, targets?: FloatTensor): number {
  if (!targets) return 1 / meaningOf(model).classes;
  const [n = 0] = targets.dims;
  const right = bestOfTargets(model, targets).filter(Boolean).length;
  return n === 0 ? 0 : right / n;
}

/**
 * Which samples the best single answer for all of them gets right: the class that is
 * most frequent among them, or the best of the targets.
 */
export function bestConstant(
  model: Tasked,
  y: Int32Array,
  targets?: FloatTensor,
): boolean[] {
  if (targets) return bestOfTargets(model, targets);
  const often = new Map<number, number>();
  for (const label of y) often.set(label, (often.get(label) ?? 0) + 1);
  const [best] = [...often].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  return Array.from(y, (label) => label === best);
}

/** Which samples the best of their targets gets right as the answer to all. */
function bestOfTargets(model: Tasked, targets: FloatTensor): boolean[] {
  const meaning = meaningOf(model);
  const [n = 0, width = 0] = targets.dims;
  const row = (i: number) => targets.data.subarray(i * width, (i + 1) * width);
  const answers =
    meaning.constants?.(targets) ??
    Array.from({ length: Math.min(n, ANSWERS) }, (_, i) => row(i));
  let best: boolean[] = Array.from({ length: n }, () => false);
  let most = 0;
  for (const answer of answers) {
    const data = meaning.saying(answer);
    const outputs: FloatTensor = {
      type: "float32",
      dims: [1, data.length],
      data,
    };
    const right = best.map((_, i) => {
      const wanted = { ...targets, dims: [1, width], data: row(i) };
      return !meaning.view(outputs, wanted).data.some((v) => v > 0);
    });
    const count = right.filter(Boolean).length;
    if (count > most) [best, most] = [right, count];
  }
  return best;
}
