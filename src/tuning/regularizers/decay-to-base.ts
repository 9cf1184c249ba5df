import { z } from "zod";
import { defineRegularizer } from "./regularizer.ts";

/**
 * Weight decay towards the base instead of zero: after every step each weight
 * moves by rate * decay of its way back, beside the optimiser's own scaling, as in
 * decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101; towards
 * the start as in Li et al. 2018, arXiv:1802.01483). New weights are left alone.
 */
export const decayToBase = defineRegularizer({
  id: "decay-to-base",
  title: "Weight decay towards the base",
  summary:
    "After every step moves each weight a little of its way back to the base.",
  caution:
    "What holds weights near the base keeps its weaknesses too: transfer through the base stays easy. The default decay is not tuned to anything.",
  reference: "Loshchilov and Hutter 2019, arXiv:1711.05101",
  params: z.strictObject({
    decay: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("share of the way back at each step, times the rate"),
  }),
  open: ({ decay }, _context, start) => ({
    isBlind: true,
    moved(weights, rateOf) {
      for (const [name, { data }] of weights) {
        const from = start(name)?.data;
        if (!from) continue;
        const share = Math.min(1, rateOf(name) * decay);
        for (let i = 0; i < data.length; i++)
          data[i] = data[i]! - share * (data[i]! - from[i]!);
      }
    },
  }),
});
