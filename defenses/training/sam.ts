import { z } from "zod";
import { atMoved, defineTrainingDefense, lengthOf } from "#tuning";

/**
 * Sharpness-aware minimisation (SAM, Foret et al. 2021, arXiv:2010.01412): the
 * gradient is taken `rho` away from the weights, in the direction in which the
 * loss of the batch rises.
 */
export const sam = defineTrainingDefense({
  id: "sam",
  title: "Sharpness-aware minimisation",
  summary:
    "Takes the gradient a step uphill among the weights, which leads to flat minima.",
  caution:
    "Made for generalisation. What it adds to robustness is little: trust no gain that AutoAttack does not show.",
  reference: "Foret et al. 2021, arXiv:2010.01412",
  manyTasks: true,
  params: z.strictObject({
    rho: z
      .number()
      .positive()
      .default(0.05)
      .describe("how far weights move uphill"),
  }),
  open: ({ rho }) => ({
    isBlind: true,
    async gradient(batch, at, weights) {
      const { gradients } = await at(batch);
      const length = Math.hypot(...[...gradients.values()].map(lengthOf));
      const size = rho / (length + 1e-12);
      return atMoved(
        weights,
        (name, { data }) => {
          const slope = gradients.get(name) as Float32Array;
          for (let i = 0; i < data.length; i++)
            data[i] = data[i]! + size * slope[i]!;
        },
        () => at(batch),
      );
    },
  }),
});
