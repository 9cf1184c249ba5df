import { z } from "zod";
import { byName, choiceOf } from "#core";
import { augmentations } from "./augmentations/index.ts";
import { optimizers } from "./optimizers/index.ts";
import { type Schedule, schedules } from "./schedules/index.ts";

/** How a training is run, whatever the strategy, with one of these schedules. */
export const trainingSettingsOf = (all: readonly Schedule[]) => ({
  epochs: z.int().positive().default(30),
  batchSize: z.int().positive().default(32),
  learningRate: z.number().positive().default(1e-3),
  optimizer: choiceOf(optimizers).default({
    unit: optimizers.find(
      (o) => o.id === "adamw",
    ) as (typeof optimizers)[number],
    params: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  }),
  schedule: choiceOf(all).default({
    unit: schedules[0]!,
    params: {},
  }),
  /** Gradients are scaled down to this global norm; null for no limit. */
  clipNorm: z.number().positive().nullable().default(null),
  /**
   * Whether batch normalisation keeps its running statistics, or is trained by
   * those of each batch.
   */
  batchNorm: z.enum(["frozen", "batch"]).default("frozen"),
  /** Changes of the training batches, in this order. */
  augment: z.array(choiceOf(augmentations)).default([]),
  /** How much samples of each class count in the loss; 1 for one that is not named. */
  classWeights: z
    .union([z.literal("balanced"), byName(z.number().positive())])
    .nullable()
    .default(null),
  /**
   * Draws classes by their count to the power of 1 / temperature, instead of every
   * sample once an epoch; the higher, the more equal.
   */
  samplingTemperature: z.number().positive().nullable().default(null),
  /**
   * Epochs without a better validation loss after which the last stage ends
   * early; null for never.
   */
  patience: z.int().positive().nullable().default(10),
});

/** The same with our own schedules. */
export const trainingSettings = trainingSettingsOf(schedules);

export const settingsSchema = z.strictObject(trainingSettings);
export type TrainingSettings = z.output<typeof settingsSchema>;
