import { z } from "zod";
import { InterruptedError, type Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import { copyOf } from "#onnx";
import { openPlainStep, type TrainingPart } from "#tuning";

/** How a repair trains. The defaults are ours. */
export const trainingParams = {
  epochs: z.int().positive().default(10).describe("passes over the data"),
  learningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe("learning rate of AdamW"),
  batchSize: z.int().positive().default(32).describe("samples of each step"),
};

export interface TrainOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly parts?: readonly TrainingPart[];
  readonly signal?: AbortSignal;
  /** Called after every step with the weights, which it may change in place. */
  readonly afterStep?: (
    weights: ReadonlyMap<string, { data: Float32Array }>,
  ) => void;
}

/**
 * Trains all weights of a model on with AdamW at one rate, without choosing an epoch:
 * what repairs do on a few clean samples.
 */
export async function trainOn(
  model: Model,
  data: Dataset,
  { epochs, learningRate, batchSize, parts, signal, afterStep }: TrainOptions,
  engine: Engine,
  random: Random,
): Promise<Model> {
  const step = await openPlainStep(model, engine, { parts });
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      if (signal?.aborted) throw new InterruptedError();
      const order = random.fork(`epoch ${epoch}`).permutation(data.y.length);
      for (let from = 0; from < order.length; from += batchSize) {
        const rows = order.slice(from, from + batchSize);
        await step.take(takeSamples(data, rows), learningRate);
        afterStep?.(step.weights);
      }
    }
    const constants = new Map(model.graph.constants);
    for (const [name, weight] of step.weights)
      constants.set(name, copyOf(weight));
    return { ...model, graph: { ...model.graph, constants } };
  } finally {
    await step.release();
  }
}
