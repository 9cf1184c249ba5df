import { z } from "zod";
import { missingIds } from "./failures.ts";
import { rateSchema } from "./values.ts";

/** Robustness along a fine-tuning: the weights after its epochs, attacked. */
export const trajectorySchema = z.strictObject({
  candidate: z.string(),
  attack: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  /** Why there are no points, as half a sentence; absent where there are some. */
  note: z.string().optional(),
  points: z.array(
    z.strictObject({
      epoch: z.int(),
      stage: z.int(),
      /** The layer groups that were trained in this epoch. */
      trainable: z.array(z.string()),
      /** True for the epoch whose weights are the candidate's. */
      best: z.boolean(),
      /** On the samples that are attacked here. */
      cleanAccuracy: rateSchema,
      robustAccuracy: rateSchema,
      /**
       * Whether the cell at these weights is trusted, as far as one cell can tell: what
       * is left standing is not tried again by other means.
       */
      trusted: z.boolean(),
    }),
  ),
  missing: missingIds,
});

export type Trajectory = z.infer<typeof trajectorySchema>;
