import { z } from "zod";
import { layerGroups } from "#model";
import type { TrainingPart } from "../part.ts";
import { settingsSchema } from "../settings.ts";
import { onlyParameters } from "../strategies/only.ts";
import { mean } from "../terms.ts";
import { tuneEvenly } from "../tune-evenly.ts";
import { noBatchNorm } from "./adabn.ts";
import { defineSourceFree } from "./adaptation.ts";

/**
 * Tent (Wang et al. 2021, arXiv:2006.10726): scales and shifts of the batch
 * normalisations are trained to make predictions on the target certain (least
 * entropy), with the statistics of each batch. Defaults are the paper's for
 * CIFAR-10: Adam at 1e-3, batches of 200, one pass. The paper adapts online, as
 * batches arrive; here the running statistics follow the batches, and the model
 * after the last pass is kept.
 */
export const tent = defineSourceFree({
  id: "tent",
  needs: ["one answer"],
  title: "Entropy minimisation (Tent)",
  summary:
    "Trains scales and shifts of batch normalisation so that predictions on the target become certain.",
  caution:
    "Certainty is not accuracy: where most predictions are wrong at first, they become wrong and sure, and the model may end in one class. More epochs or larger rates make that likelier.",
  reference: "Wang et al. 2021, arXiv:2006.10726",
  params: z.strictObject({
    epochs: z.int().positive().default(1).describe("passes over the data"),
    batchSize: z.int().positive().default(200).describe("samples of each step"),
    learningRate: z
      .number()
      .positive()
      .default(1e-3)
      .describe("learning rate of Adam"),
  }),
  async adapt(
    { model, target, engine, random, signal, onEpoch, onWeights },
    { epochs, batchSize, learningRate },
  ) {
    if (!model.graph.nodes.some((n) => n.op === "BatchNormalization"))
      throw noBatchNorm("tent");
    const all = layerGroups(model.graph);
    const head = all.at(-1)?.name;
    const groups = onlyParameters(
      "tent",
      "normalisation",
      model,
      all,
    ).groups.filter((g) => g.name !== head);
    return tuneEvenly({
      model,
      train: target,
      validation: target,
      groups,
      epochs,
      settings: settingsSchema.parse({
        epochs,
        batchSize,
        learningRate,
        optimizer: { id: "adamw", weightDecay: 0 },
        batchNorm: "batch",
        patience: null,
      }),
      parts: [() => certain],
      engine,
      random,
      signal,
      onEpoch,
      onWeights,
    });
  },
});

/**
 * The mean entropy of the predictions instead of a loss. No label is looked at, not
 * even to choose an epoch.
 */
const certain: TrainingPart = {
  keeps: "last",
  loss({ b, rows, model }) {
    const log = b.op("LogSoftmax", [rows(model.logits)]);
    return mean(b, b.neg(b.reduceSum(b.mul(b.exp(log), log), [1])));
  },
};
