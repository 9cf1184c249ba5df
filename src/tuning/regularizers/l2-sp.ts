import { z } from "zod";
import { defineRegularizer } from "./regularizer.ts";

/**
 * L2-SP (Li et al. 2018, arXiv:1802.01483): alpha / 2 times the squared distance of
 * the weights from those of the base is added to the loss, and beta / 2 times the
 * squared size of new weights. Defaults are those of Transfer-Learning-Library;
 * the paper searches alpha and beta between 1e-4 and 1. Use an optimiser
 * without weight decay of its own.
 */
export const l2Sp = defineRegularizer({
  id: "l2-sp",
  title: "L2-SP",
  summary:
    "Pulls weights towards those of the base, and new weights towards zero, by a penalty in the loss.",
  caution:
    "Use an optimiser without weight decay of its own, which pulls the other way. The paper searches for alpha and beta; with AdamW the penalty is scaled like any gradient, which decay-to-base avoids.",
  reference: "Li et al. 2018, arXiv:1802.01483",
  params: z.strictObject({
    alpha: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("weight of the distance from the base"),
    beta: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("weight of the size of new weights"),
  }),
  open: ({ alpha, beta }, { trained }, start) => ({
    isBlind: true,
    async gradient(batch, at, weights) {
      const found = await at(batch);
      let penalty = 0;
      for (const [name, gradient] of found.gradients) {
        const weight = weights.get(name)?.data;
        // What a part trains beside the model, such as log variances, is
        // no weight of it.
        if (!weight || !trained.includes(name)) continue;
        const from = start(name)?.data;
        const strength = from ? alpha : beta;
        for (let i = 0; i < gradient.length; i++) {
          const away = weight[i]! - (from?.[i] ?? 0);
          gradient[i] = gradient[i]! + strength * away;
          penalty += (strength / 2) * away * away;
        }
      }
      return {
        ...found,
        loss: found.loss + penalty,
        records: { ...found.records, "L2-SP": penalty },
      };
    },
  }),
});
