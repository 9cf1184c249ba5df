import { z } from "zod";
import { type Chosen, choiceOf } from "#core";
import { contractSchema, pools, taskSchema } from "#model";
import {
  type Adaptation,
  adaptations,
  architectures,
  regularizers,
  trainingSettingsOf,
  weightings,
} from "#tuning";
import type { Units } from "#units";
import { checkPrivate } from "./private-training.ts";

/** Names that become parts of file names and cell ids. */
export const id = z.string().regex(
  // Names like "2" would not keep their place in an object.
  /^[A-Za-z][A-Za-z0-9._-]*$/,
  "begin with a letter, then use letters, digits, dots, dashes and underscores",
);

export const givenSchema = z.strictObject({
  /** An .onnx file; relative to the suite. */
  model: z.string(),
  /**
   * A safetensors file with the weights of that model; those in the model's own
   * file when left out.
   */
  weights: z.string().optional(),
  input: contractSchema.optional(),
  /** Classes of the source task, or names of its outputs. */
  classes: z.array(z.string()).min(1).optional(),
  /**
   * The output of the file that is judged, of several; told by its width or
   * name when left out.
   */
  output: z.string().optional(),
  /** What the outputs of the file mean, where it does not tell. */
  task: taskSchema.optional(),
  /**
   * How the features of a body without a head become one row: the mean over pixels or
   * tokens, or the first token.
   */
  pool: z.enum(pools).optional(),
});

const training = ({ trainingDefenses }: Units) => {
  const one = choiceOf(trainingDefenses);
  return z.union([one, z.array(one).min(1)]);
};

/** One proactive defence, or several that are applied in order. */
const trainingSchemaOf = (units: Units) =>
  training(units)
    .transform((chosen) => (Array.isArray(chosen) ? chosen : [chosen]))
    .refine((all) => new Set(all.map((c) => c.unit.id)).size === all.length, {
      message: "a training defence is listed twice",
    })
    .refine((all) => all.filter((c) => c.unit.makesExamples).length <= 1, {
      message: "only one of these can replace samples by examples of its own",
    });

const pretrainSchemaOf = (units: Units) =>
  z
    .strictObject({
      architecture: z.enum(
        architectures.map((a) => a.id) as [string, ...string[]],
      ),
      /**
       * Proactive defences, for a base that is robust before anything is tuned from it.
       */
      training: trainingSchemaOf(units).optional(),
      ...trainingSettingsOf(units.schedules),
    })
    .superRefine(checkPrivate);

export const baseSchemaOf = (units: Units) =>
  givenSchema
    .extend({
      model: givenSchema.shape.model.optional(),
      /** Train a built-in architecture on `classes` when there is no base model. */
      pretrain: pretrainSchemaOf(units).optional(),
    })
    .refine((b) => (b.model === undefined) !== (b.pretrain === undefined), {
      message: "state either model or pretrain",
    });

const isSourceFree = (adaptation: Chosen<Adaptation> | undefined) =>
  adaptation?.unit.kind === "source-free";

/** The name of the base where a candidate names its model. */
export const BASE = "base";

export const candidateSchemaOf = (units: Units) =>
  z
    .strictObject({
      /**
       * A model that was fine-tuned elsewhere: an .onnx file, relative to the suite; or
       * "base", the base itself as it is, where its classes are the task's.
       */
      model: z.string().optional(),
      /**
       * A safetensors file with its weights, for instance of a fine-tuned
       * twin of the base.
       */
      weights: z.string().optional(),
      /**
       * The output of its file that is judged, of several; told by its width or
       * name when left out.
       */
      output: z.string().optional(),
      /**
       * Of a file with more classes than the task: which it has for each class of the
       * task, by number from 0 or by the file's name. Found by the file's names when
       * left out.
       */
      classes: z
        .array(z.union([z.int().nonnegative(), z.string().min(1)]))
        .min(2)
        .optional(),
      input: contractSchema.optional(),
      strategy: choiceOf(units.strategies).optional(),
      /** What holds the weights near to the base. */
      regularizer: choiceOf(regularizers).optional(),
      /**
       * The layer group or value whose features the new head reads; the last
       * one when left out.
       */
      cut: z.string().optional(),
      /**
       * How it learns from unlabelled data of the target domain; see
       * sourceData and shift.
       */
      adaptation: choiceOf(adaptations).optional(),
      /** Whose labels it learns from. */
      labels: z.enum(["target", "source"]).default("target"),
      training: trainingSchemaOf(units).optional(),
      /**
       * Tasks that it learns together, a head for each on one trunk: "main", the
       * suite's own, and those under tasks. Each is audited; "multi" becomes
       * "multi.main" and so on. Of a model that is given, its heads or outputs by name.
       */
      tasks: z.array(id).min(1).optional(),
      /** How much each task counts. */
      taskWeights: choiceOf(weightings).default({
        unit: weightings[0]!,
        params: { weights: new Map() },
      }),
      /**
       * Draws tasks by their number of samples to the power of 1 / temperature, instead
       * of every sample once an epoch; the higher, the more equal.
       */
      taskTemperature: z.number().positive().nullable().default(null),
      /**
       * How many times it is trained, each from another seed; "full" then becomes
       * "full.1", "full.2" and so on.
       */
      seeds: z.int().positive().max(100).default(1),
      /**
       * Names or patterns of the constants that may be trained; found by their
       * use when left out.
       */
      trainable: z.array(z.string()).optional(),
      ...trainingSettingsOf(units.schedules),
    })
    .refine(
      (c) =>
        [c.model, c.strategy, isSourceFree(c.adaptation) || undefined].filter(
          (v) => v !== undefined,
        ).length === 1,
      {
        message:
          "state one of model, strategy, or an adaptation that needs no source (adabn, tent)",
      },
    )
    .refine((c) => c.weights === undefined || c.model !== undefined, {
      path: ["weights"],
      message: "weights belong to a model; state it too",
    })
    .refine((c) => c.output === undefined || c.model !== undefined, {
      path: ["output"],
      message: "an output belongs to a model; state it too",
    })
    .refine(
      (c) =>
        c.classes === undefined ||
        (c.model !== undefined && c.model !== BASE && !c.tasks),
      {
        path: ["classes"],
        message:
          "says which classes of a model's file are judged; state that file, of one task",
      },
    )
    .refine((c) => c.output === undefined || c.tasks === undefined, {
      path: ["output"],
      message: "tasks names the outputs of a model with several heads",
    })
    .refine(
      (c) => c.model !== BASE || !(c.input || c.weights || c.output || c.tasks),
      {
        path: ["model"],
        message:
          "the base is audited as it is: input, weights, output and tasks are not for it",
      },
    )
    .refine((c) => c.model === undefined || c.seeds === 1, {
      path: ["seeds"],
      message: "a model that is given was trained once; it has no seeds",
    })
    .superRefine((candidate, context) => {
      const { tasks } = candidate;
      if (!tasks) return;
      const twice = tasks.find((task, i) => tasks.indexOf(task) < i);
      if (twice !== undefined)
        context.addIssue({
          code: "custom",
          path: ["tasks"],
          message: `"${twice}" is listed twice`,
        });
      const { adaptation, training = [], classWeights } = candidate;
      for (const { unit } of training)
        if (!unit.manyTasks)
          context.addIssue({
            code: "custom",
            path: ["training"],
            message: `${unit.id} cannot be combined with tasks; ${units.trainingDefenses
              .filter((d) => d.manyTasks)
              .map((d) => d.id)
              .join(", ")} can`,
          });
      const others = {
        adaptation,
        classWeights,
        samplingTemperature: candidate.samplingTemperature,
        labels: candidate.labels === "source" || null,
      };
      for (const [key, value] of Object.entries(others))
        if (value !== undefined && value !== null)
          context.addIssue({
            code: "custom",
            path: [key],
            message:
              key === "adaptation" || key === "labels"
                ? "cannot be combined with tasks, which have no labels on the source domain; adapt a candidate of one task"
                : "cannot be combined with tasks",
          });
    })
    .superRefine(checkPrivate);
