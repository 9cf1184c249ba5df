import type { Random } from "#core";
import type { Engine, Feeds } from "#engine";
import { loadGradient, type Model, weightsAsInputs } from "#model";
import { copyOf, type FloatTensor, type Graph } from "#onnx";
import { adamw } from "#tuning";
import type { FitInput, Fitted } from "../fit.ts";

/** A loss over weights that are constants of its graph. */
export interface Training {
  readonly graph: Graph;
  /** A scalar of the graph. */
  readonly loss: string;
  readonly straightThrough: Model["straightThrough"];
  /** What is trained: where each constant of the graph begins. */
  readonly weights: Fitted;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** What the graph is fed for some of the training samples. */
  feeds(batch: readonly number[], random: Random): Feeds | Promise<Feeds>;
}

/**
 * Trains weights by Adam (Kingma and Ba 2015, arXiv:1412.6980) on shuffled
 * batches, and returns their last values.
 */
export async function trainWeights(
  training: Training,
  { train, engine, random, onProgress }: FitInput,
): Promise<Fitted> {
  const { epochs, batchSize, learningRate, feeds } = training;
  const weights = new Map(
    [...training.weights].map(([name, value]) => [name, copyOf(value)]),
  );
  const step = await openStep(training, engine, weights);
  const params = adamw.params.parse({});
  const states = new Map(
    [...weights].map(([name, { data }]) => [
      name,
      adamw.state.map(() => new Float32Array(data.length)),
    ]),
  );
  let steps = 0;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      onProgress(epoch / epochs);
      const stream = random.fork(`epoch ${epoch}`);
      const order = stream.permutation(train.y.length);
      for (let from = 0; from < order.length; from += batchSize) {
        const batch = order.slice(from, from + batchSize);
        const gradients = await step.gradients(await feeds(batch, stream));
        steps++;
        for (const [name, gradient] of gradients)
          adamw.update(
            {
              weight: (weights.get(name) as FloatTensor).data,
              gradient,
              state: states.get(name) ?? [],
              rate: learningRate,
              decays: false,
              steps,
            },
            params,
          );
      }
    }
  } finally {
    await step.release();
  }
  return weights;
}

async function openStep(
  { graph, loss, straightThrough }: Training,
  engine: Engine,
  weights: ReadonlyMap<string, FloatTensor>,
) {
  const names = [...weights.keys()];
  const { session, gradients } = await loadGradient(
    engine,
    weightsAsInputs(graph, names),
    { of: loss, wrt: names, straightThrough },
  );
  return {
    async gradients(fed: Feeds) {
      const outputs = await session.run({
        ...fed,
        ...Object.fromEntries(weights),
      });
      return names.map(
        (name) =>
          [
            name,
            outputs[gradients.get(name) as string]?.data as Float32Array,
          ] as const,
      );
    },
    release: () => session.release(),
  };
}
