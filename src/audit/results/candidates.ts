import { z } from "zod";
import { measureSchema, rateSchema, unitSchema } from "./values.ts";

/** One line of a training curve. Rates are on the validation split. */
export const epochSchema = z.strictObject({
  epoch: z.int(),
  stage: z.int(),
  /** The layer groups that were trained in this epoch. */
  trainable: z.array(z.string()),
  learningRate: z.number(),
  trainLoss: z.number(),
  validationLoss: z.number(),
  validationAccuracy: z.number(),
  /**
   * Means over the epoch of what the loss recorded, such as its terms, and what was
   * found of each task on the validation split; absent where there is nothing.
   */
  records: z.record(z.string(), z.number()).optional(),
  /** True for the epoch whose weights were kept. */
  best: z.boolean(),
});

export const lineageSchema = z.strictObject({
  baseHash: z.string().nullable(),
  dataHash: z.string(),
  strategy: z.string(),
  seed: z.int(),
  assayVersion: z.string(),
  /**
   * What the training states of itself, such as its epsilon and delta; absent where
   * it states nothing.
   */
  facts: z.record(z.string(), z.number()).optional(),
  /** What these numbers hold for, and what not. */
  claims: z.array(z.string()).optional(),
});

/** How the weights of a layer group stand to the base's. */
export const kinSchema = z.strictObject({
  group: z.string(),
  size: z.int(),
  /**
   * "same" bytes, "moved" from those of the base, or "new": the base has no such layer.
   */
  relation: z.enum(["same", "moved", "new"]),
  /** Norm of the difference over the norm in the base. */
  distance: z.number().nullable(),
  /** Near 0 for weights that have nothing to do with each other. */
  cosine: z.number().nullable(),
});

/** How the columns of a table reach a model that was given as a file. */
const unitsSchema = z.strictObject({
  /** "raw": as they are; "unit": scaled to [0, 1]. */
  taken: z.enum(["raw", "unit"]),
  /** How that is known. */
  why: z.string(),
});

/** The file of a model as it is, in its own types, beside what is attacked. */
const shippedSchema = z.strictObject({
  /** Attacked samples that both were asked; 0 where they could not be compared. */
  compared: z.int(),
  /** Those that they answer otherwise. */
  apart: z.int(),
  /** What ran the file; null where nothing could. */
  by: z.string().nullable(),
  /** Why they could not be compared; null where they were. */
  why: z.string().nullable(),
});

/** The base, or a model like it that no candidate descends from. */
export const baseSchema = z.strictObject({
  file: z.string(),
  hash: z.string(),
  origin: z.enum(["pre-trained", "given"]),
  classes: z.array(z.string()),
  parameters: z.int(),
  groups: z.array(z.strictObject({ name: z.string(), parameters: z.int() })),
  /** On the test split of the source task; null for a given base. */
  cleanAccuracy: rateSchema.nullable(),
  history: z.array(epochSchema),
  /** Absent where the data is no table, or its columns are in [0, 1] already. */
  units: unitsSchema.optional(),
  /**
   * The proactive defences that it was pre-trained with; absent where there are none.
   */
  training: z.array(unitSchema).optional(),
});

export const candidateSchema = z.strictObject({
  id: z.string(),
  /**
   * Which of several trainings of one candidate it is, counted from 1; null for a
   * candidate of one seed.
   */
  replica: z
    .strictObject({ of: z.string(), index: z.int().positive() })
    .nullable(),
  /**
   * Where it is one of several tasks on one trunk, which share file and training;
   * absent otherwise.
   */
  member: z
    .strictObject({
      of: z.string(),
      task: z.string(),
      tasks: z.array(z.string()),
      /** How tasks were weighed; null for a model that was given. */
      weighting: unitSchema.nullable(),
      /** Names of its classes, or of its outputs. */
      classes: z.array(z.string()),
      /** When a sample is wrong, as half a sentence. */
      broken: z.string(),
      /** The share that guessing, or the best single answer, gets right. */
      chance: z.number(),
    })
    .optional(),
  /** "tuned" by this run, or "given" as a file. */
  origin: z.enum(["tuned", "given"]),
  strategy: unitSchema.nullable(),
  /** How it learned from unlabelled data of the target domain, if it did. */
  adaptation: unitSchema.nullable(),
  /** On the test split of the source domain; null where the suite has one domain. */
  sourceAccuracy: rateSchema.nullable(),
  /** The proactive defence it was trained with, if any. */
  training: unitSchema.nullable(),
  /**
   * Further ones, in the order in which they were applied; absent where there are none.
   */
  moreTraining: z.array(unitSchema).optional(),
  lineage: lineageSchema.nullable(),
  /**
   * What the weights themselves say of the descent from the base, from input to output;
   * null without a base.
   */
  kinship: z.array(kinSchema).nullable(),
  /** Path of the .onnx relative to the results document. */
  file: z.string(),
  hash: z.string(),
  /**
   * Absent where the run made it, the data is no table, or its columns are
   * in [0, 1] already.
   */
  units: unitsSchema.optional(),
  /** Absent where the run made it. */
  shipped: shippedSchema.optional(),
  parameters: z.int(),
  trainableParameters: z.int().nullable(),
  cleanAccuracy: rateSchema,
  /**
   * True where its answers cannot be told from one answer for everything, so that none
   * of its numbers passes a gate; absent otherwise.
   */
  guesses: z.literal(true).optional(),
  /**
   * How far its outputs are from their targets on the test split; absent
   * for classifiers.
   */
  measures: z.array(measureSchema).optional(),
  history: z.array(epochSchema),
  /** Why training ended: "finished", "early stop", or the reason it broke off. */
  ended: z.string().nullable(),
});

export type Epoch = z.infer<typeof epochSchema>;

export type Lineage = z.infer<typeof lineageSchema>;

export type Shipped = z.infer<typeof shippedSchema>;

export type CandidateResult = z.infer<typeof candidateSchema>;
