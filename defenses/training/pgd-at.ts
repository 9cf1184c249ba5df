import { z } from "zod";
import { ballOf } from "#attacks";
import { numberOrFraction } from "#core";
import { defineTrainingDefense } from "#tuning";

/**
 * Adversarial training (Madry et al. 2018, arXiv:1706.06083): every batch is
 * replaced by PGD examples made on the current weights, from random starts and
 * over all steps. `mix` is the share of samples that are; 1 is the paper's.
 * Defaults of the inner attack are those of the paper on MNIST.
 */
export const pgdAt = defineTrainingDefense({
  id: "pgd-at",
  title: "PGD adversarial training",
  reference: "Madry et al. 2018, arXiv:1706.06083",
  params: z.strictObject({
    norm: z.enum(["linf", "l2"]).default("linf"),
    eps: numberOrFraction.pipe(z.number().positive()).default(0.3),
    steps: z.int().positive().default(40),
    /** Step size as a share of eps. */
    relStepSize: z
      .number()
      .positive()
      .default(0.01 / 0.3),
    mix: z.number().min(0).max(1).default(1),
  }),
  async transform(
    { x, y, model, bounds, random },
    { norm, eps, steps, relStepSize, mix },
  ) {
    const ball = ballOf(norm, eps, bounds);
    let adversarial = ball.randomPoint(x, random);
    for (let step = 0; step < steps; step++) {
      const { gradient } = await model.lossGradient(adversarial, y);
      adversarial = ball.project(
        x,
        ball.ascend(adversarial, gradient, eps * relStepSize),
      );
    }
    if (mix === 1) return adversarial;
    const width = x.data.length / y.length;
    const clean = Math.round((1 - mix) * y.length);
    const data = Float32Array.from(adversarial.data);
    data.set(x.data.subarray(0, clean * width));
    return { ...x, data };
  },
});
