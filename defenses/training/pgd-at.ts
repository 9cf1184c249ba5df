import { z } from "zod";
import { defineTrainingDefense } from "#tuning";
import { ascentParams, climb, judgeBy } from "./ascent.ts";

/**
 * Adversarial training (Madry et al. 2018, arXiv:1706.06083): every batch is
 * replaced by PGD examples made on the current weights, from random starts and
 * over all steps. `mix` is the share of samples that are; 1 is the paper's.
 * Defaults of the inner attack are those of the paper on MNIST. On a base that
 * was trained without it, this is adversarial fine-tuning.
 */
export const pgdAt = defineTrainingDefense({
  id: "pgd-at",
  title: "PGD adversarial training",
  summary:
    "Adversarial training: every batch is replaced by PGD examples that are made on the current weights.",
  caution:
    "Robust within the norm and eps that it was trained for, and not beyond. Few inner steps may teach masked gradients: trust only numbers of stronger attacks than the inner one. eps 0.3 is for MNIST; natural images take 8/255.",
  reference: "Madry et al. 2018, arXiv:1706.06083",
  manyTasks: true,
  makesExamples: true,
  // Which samples of a mixed batch stay clean depends on how many others there are.
  isAlone: ({ mix }) => mix === 1,
  params: z.strictObject({
    ...ascentParams({ eps: 0.3, steps: 40, relStepSize: 0.01 / 0.3 }),
    mix: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("share of the samples that become examples"),
  }),
  open: ({ mix, ...ascent }) => ({
    async prepare(batch, moment) {
      const adversarial = await climb(batch, moment, ascent);
      if (mix === 1) return { ...batch, x: adversarial };
      const { x, y } = batch;
      const width = x.data.length / y.length;
      const clean = Math.round((1 - mix) * y.length);
      const data = Float32Array.from(adversarial.data);
      data.set(x.data.subarray(0, clean * width));
      return { ...batch, x: { ...x, data } };
    },
    judge: judgeBy(ascent),
  }),
});
