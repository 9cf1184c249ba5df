import { z } from "zod";
import { rateSchema } from "./values.ts";

const sideSchema = z.strictObject({
  cleanAccuracy: rateSchema,
  robustAccuracy: rateSchema,
});

/** Robustness of a candidate on the target domain and on the source domain. */
export const domainSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Null for all attacks that count at once. */
  attack: z.string().nullable(),
  /** Id of the threat model. */
  threatModel: z.string(),
  /** On the attacked samples of each. */
  target: sideSchema,
  source: sideSchema,
  /** Robust accuracy on the target less that on the source, with its 95 % interval. */
  difference: z.strictObject({
    value: z.number(),
    low: z.number(),
    high: z.number(),
  }),
  /** Whether both have the same samples, one of them shifted. */
  paired: z.boolean(),
  /** Whether the numbers of both are trusted. */
  trusted: z.boolean(),
});

export type Domain = z.infer<typeof domainSchema>;
