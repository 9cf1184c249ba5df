import { z } from "zod";

/**
 * Robustness of a candidate, sample by sample, beside that of what it was tuned from.
 */
export const inheritanceSchema = z.strictObject({
  candidate: z.string(),
  /** The candidate that stands for the base. */
  reference: z.string(),
  /**
   * Whether that is the base itself, or the base's body behind a head for the task,
   * where the base does not know its classes.
   */
  referenceIs: z.enum(["base", "base with a new head"]),
  defense: z.string(),
  /** Null for all attacks that count at once. */
  attack: z.string().nullable(),
  /** Id of the threat model. */
  threatModel: z.string(),
  /**
   * Samples that are robust in both, only in the reference, only in the
   * candidate, and in neither.
   */
  inherited: z.int(),
  lost: z.int(),
  gained: z.int(),
  neither: z.int(),
  /** McNemar's exact test. */
  pValue: z.number(),
  /**
   * Robust accuracy over that of the reference, with a 95 % interval; null where the
   * reference has none, and no upper end where that is not bounded.
   */
  retained: z
    .strictObject({
      value: z.number(),
      low: z.number(),
      high: z.number().nullable(),
    })
    .nullable(),
  /** Whether the numbers of both are trusted. */
  trusted: z.boolean(),
});

export type Inheritance = z.infer<typeof inheritanceSchema>;
