import { z } from "zod";
import { defineStrategy, discriminatively } from "./strategy.ts";

/**
 * All layers are trained, each group at the rate of the next one divided by `decay`
 * (ULMFiT, Howard and Ruder 2018, arXiv:1801.06146).
 */
export const discriminative = defineStrategy({
  id: "discriminative",
  title: "Discriminative learning rates",
  summary:
    "All layers are trained, each group at a lower rate than the one above it.",
  caution:
    "In a deep network the lowest groups hardly move, since rates fall by `decay` at every group; the paper's 2.6 is for a language model of four groups.",
  reference: "Howard and Ruder 2018, arXiv:1801.06146",
  params: z.strictObject({
    decay: z
      .number()
      .min(1)
      .default(2.6)
      .describe(
        "how much lower the rate of a group is than that of the one above it",
      ),
  }),
  stages: (groups, epochs, { decay }) => [
    { epochs, rates: discriminatively(groups, decay) },
  ],
});
