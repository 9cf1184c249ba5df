import { z } from "zod";
import {
  type BatchGradient,
  defineTrainingDefense,
  lengthOf,
  sampleOf,
} from "#tuning";
import { epsilonOf } from "./accountant.ts";

/**
 * Differentially private SGD (Abadi et al. 2016, arXiv:1607.00133): each sample
 * is drawn with probability batch size / samples, its gradient is scaled down to
 * the length `clip`, and Gaussian noise of `noise` times `clip` is added to
 * their sum, which is divided by the batch size. What it costs is told by the
 * Renyi accountant as (epsilon, delta), of all steps that were taken. The privacy
 * is that of the training samples against who sees the weights; choosing the
 * epoch by validation samples gives those none. Whatever mixes samples, draws or
 * repeats batches its own way or looks at several samples at once would void it and is
 * refused beside it.
 */
export const dpSgd = defineTrainingDefense({
  id: "dp-sgd",
  isPrivate: true,
  guards: true,
  title: "Differentially private SGD",
  summary:
    "Clips the gradient of every sample and adds noise to their sum, so that the weights tell little of any one; states the epsilon that this costs.",
  caution:
    "Epsilon covers the training samples against who sees the weights, and not the validation samples that choose the epoch, several models of the same samples, or who knows the seed. It is no defence against adversarial examples.",
  reference: "Abadi et al. 2016, arXiv:1607.00133",
  params: z.strictObject({
    clip: z
      .number()
      .positive()
      .default(1)
      .describe("longest gradient of a sample"),
    noise: z
      .number()
      .positive()
      .default(1.1)
      .describe("deviation of the noise, as a multiple of `clip`"),
    delta: z
      .number()
      .positive()
      .lt(1)
      .optional()
      .describe("the delta of (epsilon, delta); 1 / samples^1.1 when left out"),
  }),
  open({ clip, noise, delta }, { samples, batchSize, random }) {
    const q = Math.min(1, batchSize / samples);
    const stated = delta ?? samples ** -1.1;
    const source = random.fork("noise");
    let steps = 0;
    return {
      isBlind: true,
      perSample: true,
      draw: (size, _batchSize, own) =>
        Array.from({ length: size }, (_, i) => i).filter(
          () => own.uniform() < q,
        ),
      async gradient(batch, at, weights) {
        steps++;
        const sum = new Map(
          [...weights].map(([name, { data }]) => [
            name,
            new Float32Array(data.length),
          ]),
        );
        const each: BatchGradient[] = [];
        for (let i = 0; i < batch.y.length; i++) {
          const found = await at(sampleOf(batch, i));
          addClipped(sum, found.gradients, clip);
          each.push(found);
        }
        for (const g of sum.values()) {
          for (let i = 0; i < g.length; i++)
            g[i] = (g[i]! + noise * clip * source.normal()) / batchSize;
        }
        return { ...meanOf(each), gradients: sum };
      },
      facts: () => ({
        epsilon: epsilonOf({ q, sigma: noise, steps }, stated),
        delta: stated,
        noise,
        "sampling rate": q,
        steps,
      }),
      claim: CLAIM,
    };
  },
});

const CLAIM =
  "Epsilon and delta are of the samples that this model was trained on, against who sees its weights after any epoch and does not know the seed of the suite, which the noise is drawn from; they are not of the validation samples, which choose the epoch, of what the base was trained on, of several models of the same samples together, nor of what this document tells of the training";

/** Adds gradients, scaled down together to a length of at most `clip`. */
function addClipped(
  sum: ReadonlyMap<string, Float32Array>,
  gradients: ReadonlyMap<string, Float32Array>,
  clip: number,
): void {
  const length = Math.hypot(...[...gradients.values()].map(lengthOf));
  const factor = Math.min(1, clip / length);
  for (const [name, g] of gradients) {
    const total = sum.get(name) as Float32Array;
    for (let i = 0; i < g.length; i++) total[i] = total[i]! + factor * g[i]!;
  }
}

/** Loss and records of a batch from those of its samples. A batch may be empty. */
function meanOf(
  each: readonly BatchGradient[],
): Omit<BatchGradient, "gradients"> {
  const average = (of: (one: BatchGradient) => number) =>
    each.length === 0
      ? 0
      : each.reduce((s, one) => s + of(one), 0) / each.length;
  const names = Object.keys(each[0]?.records ?? {});
  return {
    loss: average((one) => one.loss),
    records: Object.fromEntries(
      names.map((n) => [n, average((one) => one.records[n]!)]),
    ),
    statistics: new Map(),
  };
}
