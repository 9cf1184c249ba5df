import { z } from "zod";

/** What every Auto-PGD attack can be told. The defaults are those of AutoAttack. */
export const apgdParams = z.strictObject({
  steps: z.int().positive().default(100),
  restarts: z.int().positive().default(1),
  /** The share of steps that have to raise the loss for their size to stay. */
  rho: z.number().min(0).max(1).default(0.75),
  /** Calls that each gradient is averaged over; 20 for models that draw. */
  eot: z.int().positive().default(1),
  /** Whether L1 starts in balls of 3 and 2 eps; of no effect on other norms. */
  largerEps: z.boolean().default(true),
});

export type ApgdParams = z.output<typeof apgdParams>;
