import { z } from "zod";
import { defineStrategy, probeThenAll } from "./strategy.ts";

/**
 * Linear probing, then full fine-tuning (LP-FT, Kumar et al. 2022,
 * arXiv:2202.10054): the head alone for a share of the epochs, then all layers
 * from there, so that the features are not distorted by a random head.
 */
export const lpFt = defineStrategy({
  id: "lp-ft",
  title: "Linear probe, then full fine-tuning",
  summary:
    "The head alone for a share of the epochs, then all layers from there, so that a random head does not distort the features.",
  caution:
    "With few epochs the probe has not settled when the second stage begins. The paper searches for the rate of the second stage; here it is the stated one unless `rate` says less.",
  reference: "Kumar et al. 2022, arXiv:2202.10054",
  params: z.strictObject({
    probe: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.5)
      .describe("share of the epochs for the head alone"),
    rate: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe(
        "learning rate of the second stage as a multiple of the stated one; the paper searches for it",
      ),
  }),
  stages: (groups, epochs, { probe, rate }) =>
    probeThenAll("lp-ft", groups, epochs, probe, rate),
});
