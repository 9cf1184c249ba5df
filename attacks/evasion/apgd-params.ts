import { z } from "zod";

/** What every Auto-PGD attack can be told. The defaults are those of AutoAttack. */
export const apgdParams = z.strictObject({
  steps: z.int().positive().default(100).describe("steps of each restart"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("starts, each from another random point"),
  rho: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe(
      "the share of steps that have to raise the loss for their size to stay",
    ),
  eot: z
    .int()
    .positive()
    .default(1)
    .describe(
      "calls that each gradient is averaged over; 20 for models that draw at random",
    ),
  largerEps: z
    .boolean()
    .default(true)
    .describe(
      "whether L1 starts in balls of 3 and 2 eps; of no effect on other norms",
    ),
});

export type ApgdParams = z.output<typeof apgdParams>;
