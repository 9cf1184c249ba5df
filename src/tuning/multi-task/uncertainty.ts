import { z } from "zod";
import { floats } from "#onnx";
import { defineWeighting } from "./weighting.ts";

/**
 * Weights by homoscedastic uncertainty (Kendall et al. 2018, arXiv:1705.07115):
 * sum of L / (2 exp(s)) + s / 2 with a trained log variance s for each task, in
 * LibMTL's form, which is alike for all kinds of losses; s begins at -0.5. It is at its
 * best where exp(s) = L. A task without samples in a batch leaves its s as it is.
 */
export const uncertainty = defineWeighting({
  id: "uncertainty",
  title: "Weights by uncertainty",
  summary:
    "A trained variance for each task weighs its loss: a task with a large loss counts less.",
  caution:
    "A task that is merely hard, or whose labels are noisy, is given up. Weights are trained along, so they lag behind in few epochs.",
  reference: "Kendall et al. 2018, arXiv:1705.07115",
  params: z.strictObject({
    start: z
      .number()
      .default(-0.5)
      .describe("log variance that each task begins with"),
  }),
  open: ({ start }, { tasks }) => ({
    weights: tasks.map(() => 1),
    term(g, task, loss, present) {
      const { b } = g;
      const s = g.parameter(`log variance ${task}`, floats([], [start]));
      const weight = b.mul(b.exp(b.neg(s)), 0.5);
      g.record(`${task} weight`, weight);
      return b.add(b.mul(loss, weight), b.mul(b.mul(s, 0.5), present));
    },
  }),
});
