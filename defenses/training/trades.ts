import { z } from "zod";
import type { FloatTensor } from "#onnx";
import {
  type Batch,
  defineTrainingDefense,
  klDivergence,
  type Moment,
  mean,
} from "#tuning";
import { type Ascent, ascentParams, climb } from "./ascent.ts";
import { ADVERSARIAL, beside, nextTo, requireClasses } from "./beside.ts";

/**
 * TRADES (Zhang et al. 2019, arXiv:1901.08573): cross-entropy of the clean
 * samples plus `beta` times the divergence of the predictions next to them from
 * those on them, at the points that maximise it. Nothing is held fixed in the
 * outer divergence. Defaults are those of the paper on CIFAR-10; on MNIST it has
 * beta 1, eps 0.3 and 40 steps of 0.01. In L2 the inner steps are normalised
 * gradients, where the authors' code takes steps of SGD. Clean and adversarial
 * samples share batch statistics, where those are trained.
 */
export const trades = defineTrainingDefense({
  id: "trades",
  title: "TRADES",
  reference: "Zhang et al. 2019, arXiv:1901.08573",
  makesExamples: true,
  params: z.strictObject({
    ...ascentParams({ eps: 0.031, steps: 10, relStepSize: 0.007 / 0.031 }),
    beta: z.number().nonnegative().default(6),
  }),
  open({ beta, ...ascent }, { model }) {
    requireClasses(model, "TRADES");
    return {
      views: [ADVERSARIAL],
      prepare: async (batch, moment) =>
        beside(batch, await farthest(batch, moment, ascent)),
      judge: (batch, moment) =>
        farthest(batch, moment, { ...ascent, warmUp: 0 }),
      loss(g, before) {
        const { b } = g;
        const { logits } = g.model;
        const apart = mean(
          b,
          klDivergence(b, g.rows(logits), g.rows(logits, ADVERSARIAL)),
        );
        g.record("divergence", apart);
        return b.add(before, b.mul(apart, beta));
      },
    };
  },
});

/** The points whose predictions diverge most from those at x. */
async function farthest(
  batch: Batch,
  moment: Moment,
  ascent: Ascent,
): Promise<FloatTensor> {
  return climb(batch, moment, ascent, {
    start: nextTo(batch.x, moment, ascent),
    distribution: softmax(await moment.model.logits(batch.x)),
  });
}

function softmax(logits: FloatTensor): FloatTensor {
  const [n = 0, classes = 0] = logits.dims;
  const data = Float32Array.from(logits.data);
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * classes, (i + 1) * classes);
    const top = row.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += row[k] = Math.exp(row[k]! - top);
    for (let k = 0; k < classes; k++) row[k] = row[k]! / sum;
  }
  return { ...logits, data };
}
