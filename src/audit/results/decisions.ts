import { z } from "zod";
import { cellSchema } from "./cells.ts";
import { rateSchema } from "./values.ts";

/**
 * Samples that were attacked in a random order, by all attacks alike, until the
 * interval of robust accuracy had left the limits of the gate (`decide` of a rule).
 * The number is for these rules alone: how many samples it is of depends on what they
 * showed, and its intervals allow for that. Nothing else of the results has the
 * cells.
 */
export const decisionSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  attacks: z.array(z.string()),
  /** Attacks that were left out, and why; absent where all were made. */
  skipped: z
    .array(z.strictObject({ attack: z.string(), reason: z.string() }))
    .optional(),
  /** Of robust accuracy. */
  limits: z.array(z.number()),
  /** How many samples were attacked, of how many. */
  attacked: z.int(),
  of: z.int(),
  /** Which these are of the attacked samples of the run, from 0, in their order. */
  order: z.array(z.int()),
  /**
   * Whether it ended since the rules were decided; else all samples were attacked.
   */
  decided: z.boolean(),
  /** Why it ended, in a sentence. */
  reason: z.string(),
  /** Worst case over the attacks, with its always-valid 95 % interval. */
  robustAccuracy: rateSchema,
  /** On all samples, with the exact interval. */
  cleanAccuracy: rateSchema,
  /**
   * Of each of all samples, in their order, whether it is right: "1", or "-" where it
   * is wrong. Absent in older documents.
   */
  clean: z.string().optional(),
  trusted: z.boolean(),
  /** False for a defence that no attack was made against. */
  evaluated: z.boolean(),
  /** Of each attack; the intervals of these rates are always-valid ones. */
  cells: z.array(cellSchema),
});

export type DecisionResult = z.infer<typeof decisionSchema>;
