import { z } from "zod";
import { dataset } from "#data";
import { argmaxRows } from "#model";
import { takeRows } from "#onnx";
import { distributionCriterion, settingsSchema, tuneEvenly } from "#tuning";
import { defineExtraction, extractionParams } from "./extraction.ts";

/**
 * Knockoff nets (Orekondy et al. 2019, arXiv:1812.02766), strategy "random": random
 * public inputs with the victim's probabilities as soft labels, 100 epochs in batches
 * of 64, the last weights kept. The paper's SGD at 0.01 is for networks that were
 * trained on ImageNet; small ones hardly move with it, so that AdamW is used.
 */
export const knockoff = defineExtraction({
  id: "knockoff",
  title: "Knockoff nets",
  summary:
    "Asks the candidate about public inputs of another task and trains a copy on its probabilities.",
  caution:
    "Agreement depends on the queries and on how near the public inputs are to the task: a low one is no protection against who has better inputs. The copies have the architecture of the base, which a stranger may not know.",
  reference: "Orekondy et al. 2019, arXiv:1812.02766",
  threat:
    "asks the candidate for the probabilities of public inputs of another task",
  trains: true,
  needs: ["base data", "one class", "numbers"],
  params: z.strictObject({
    ...extractionParams,
    epochs: z.int().positive().default(100).describe("epochs of the copy"),
    learningRate: z
      .number()
      .positive()
      .default(1e-3)
      .describe("learning rate of the copy"),
  }),
  async steal({ ask, count, inputs, start, params, engine, random, signal }) {
    // The first of one order, so that a larger budget asks about the same and more.
    const order = random.fork("inputs").permutation(inputs.dims[0] ?? 0);
    const x = takeRows(inputs, order.slice(0, count));
    const said = await ask(x);
    const stolen = dataset(
      "stolen answers",
      x,
      argmaxRows(said),
      start.classes,
      said,
    );
    const { model } = await tuneEvenly({
      model: start,
      train: stolen,
      validation: stolen,
      epochs: params.epochs,
      settings: settingsSchema.parse({
        batchSize: 64,
        learningRate: params.learningRate,
        patience: null,
      }),
      parts: [() => ({ criterion: distributionCriterion, keeps: "last" })],
      engine,
      random: random.fork("training"),
      signal,
    });
    return model;
  },
});
