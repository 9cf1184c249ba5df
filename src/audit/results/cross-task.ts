import { z } from "zod";
import { checkSchema, rateSchema } from "./values.ts";

/** What an attack through the head of one task does to another on the same trunk. */
export const crossTaskSchema = z.strictObject({
  /**
   * The candidate of several tasks, and which of its trainings; null where it has one.
   */
  of: z.string(),
  replica: z.int().nullable(),
  /**
   * The audited candidate whose examples these are, or the candidate of all tasks
   * where all heads were attacked at once; and the one that is judged, the same in a
   * cell of its own.
   */
  through: z.string(),
  candidate: z.string(),
  defense: z.string(),
  attack: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  /**
   * On the samples that both tasks have: right clean, and right clean and
   * on the examples.
   */
  cleanAccuracy: rateSchema,
  robustAccuracy: rateSchema,
  /** The first less the second, with its 95 % interval. */
  drop: z.strictObject({
    value: z.number(),
    low: z.number(),
    high: z.number(),
  }),
  /**
   * Whether the cell that the examples are of is trusted, or the attack on
   * all heads at once.
   */
  trusted: z.boolean(),
  /**
   * Of an attack on all heads at once. What was made through one head is
   * judged in its cell.
   */
  checks: z.array(checkSchema).optional(),
  /**
   * One character for each sample of the judged candidate: as in cells, and "." where
   * it is none of the other task.
   */
  outcomes: z.string(),
});

export type CrossTask = z.infer<typeof crossTaskSchema>;
