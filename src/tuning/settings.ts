import { z } from "zod";
import { byName, choiceOf } from "#core";
import { augmentations } from "./augmentations/index.ts";
import { optimizers } from "./optimizers/index.ts";
import { type Schedule, schedules } from "./schedules/index.ts";

/** How a training is run, whatever the strategy, with one of these schedules. */
export const trainingSettingsOf = (all: readonly Schedule[]) => ({
  epochs: z
    .int()
    .positive()
    .default(30)
    .describe("the most passes over the training data"),
  batchSize: z.int().positive().default(32).describe("samples of each step"),
  learningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe("the rate that the schedule multiplies"),
  optimizer: choiceOf(optimizers)
    .default({
      unit: optimizers.find(
        (o) => o.id === "adamw",
      ) as (typeof optimizers)[number],
      params: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    })
    .describe("how weights move"),
  schedule: choiceOf(all)
    .default({
      unit: schedules[0]!,
      params: {},
    })
    .describe("the learning rate over the steps"),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      "gradients are scaled down to this global norm; null for no limit",
    ),
  batchNorm: z
    .enum(["frozen", "batch"])
    .default("frozen")
    .describe(
      "whether batch normalisation keeps its running statistics, or is trained by those of each batch",
    ),
  augment: z
    .array(choiceOf(augmentations))
    .default([])
    .describe("changes of the training batches, in this order"),
  views: z
    .int()
    .positive()
    .optional()
    .describe(
      "augmented views of each sample, which the passes take in turn; new ones in every pass when left out. With views, layers below those that are trained run once for each instead of in every epoch",
    ),
  classWeights: z
    .union([z.literal("balanced"), byName(z.number().positive())])
    .nullable()
    .default(null)
    .describe(
      "how much samples of each class count in the loss; 1 for one that is not named",
    ),
  samplingTemperature: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      "draws classes by their count to the power of 1 / temperature, instead of every sample once an epoch; the higher, the more equal",
    ),
  patience: z
    .int()
    .positive()
    .nullable()
    .default(10)
    .describe(
      "epochs without a better validation loss after which the last stage ends early; null for never",
    ),
});

/** The same with our own schedules. */
export const trainingSettings = trainingSettingsOf(schedules);

export const settingsSchema = z.strictObject(trainingSettings);
export type TrainingSettings = z.output<typeof settingsSchema>;
