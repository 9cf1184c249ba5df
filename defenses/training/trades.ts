import { z } from "zod";
import { softmaxRows } from "#model";
import { type FloatTensor, floats } from "#onnx";
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
  needs: ["one class"],
  title: "TRADES",
  summary:
    "Trains on the clean loss plus `beta` times how far predictions nearby differ from those on the sample.",
  caution:
    "Its robustness under its own inner attack is more than under AutoAttack; audit with apgd-t and square. The default eps is for images in colour.",
  reference: "Zhang et al. 2019, arXiv:1901.08573",
  makesExamples: true,
  isAlone: () => true,
  params: z.strictObject({
    ...ascentParams({ eps: 0.031, steps: 10, relStepSize: 0.007 / 0.031 }),
    beta: z
      .number()
      .nonnegative()
      .default(6)
      .describe("weight of the divergence from clean predictions"),
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
  const logits = await moment.model.logits(batch.x);
  return climb(batch, moment, ascent, {
    start: nextTo(batch.x, moment, ascent),
    distribution: floats(logits.dims, softmaxRows(logits).flat()),
  });
}
