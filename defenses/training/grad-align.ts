import { z } from "zod";
import { ballOf } from "#attacks";
import { numberOrFraction } from "#core";
import { defineTrainingDefense, mean, squaredLength } from "#tuning";

const CLEAN = "alignment clean";
const NEARBY = "alignment nearby";

/**
 * GradAlign (Andriushchenko and Flammarion 2020, arXiv:2007.02617): adds
 * `lambda` (1 - cos) of the angle between the input gradients of the loss at x
 * and at a random point of the ball, which keeps single-step training from
 * catastrophic overfitting. List it before `fast-at`, so that x is the clean
 * sample. Differentiates gradients again.
 */
export const gradAlign = defineTrainingDefense({
  id: "grad-align",
  title: "Gradient alignment",
  summary:
    "Adds a penalty where input gradients at the sample and nearby point different ways, which keeps single-step training from breaking down.",
  caution:
    "Alone it makes nothing robust: list it before fast-at. Where `lambda` is small for a large eps, single-step training breaks down all the same.",
  reference: "Andriushchenko and Flammarion 2020, arXiv:2007.02617",
  isAlone: () => true,
  params: z.strictObject({
    eps: numberOrFraction
      .pipe(z.number().positive())
      .default(8 / 255)
      .describe("size of the ball whose gradients are aligned, in Linf"),
    lambda: z
      .number()
      .positive()
      .default(0.2)
      .describe("weight of the penalty"),
  }),
  open: ({ eps, lambda }, { model }) => ({
    views: [CLEAN, NEARBY],
    prepare(batch, { random }) {
      const ball = ballOf("linf", eps, model.contract.bounds);
      const nearby = ball.randomPoint(batch.x, random);
      const views = { [CLEAN]: batch.x, [NEARBY]: nearby };
      return { ...batch, views: { ...batch.views, ...views } };
    },
    loss(g, before) {
      const both = g.b.add(g.each(CLEAN), g.each(NEARBY));
      const point = model.embedding ?? model.input;
      const slopes = g.gradient(g.b.reduceSum(both), point);
      const { b } = g;
      const [here, there] = [g.rows(slopes, CLEAN), g.rows(slopes, NEARBY)];
      const axes = b.rankedDims(here).map((_, i) => i);
      const product = b.reduceSum(b.mul(here, there), axes.slice(1));
      const lengths = b.sqrt(
        b.add(b.mul(squaredLength(b, here), squaredLength(b, there)), 1e-24),
      );
      const turn = b.sub(1, mean(b, b.div(product, lengths)));
      g.record("1 - cosine of input gradients", turn);
      return b.add(before, b.mul(turn, lambda));
    },
  }),
});
