import { z } from "zod";

/** What failed, and why. */
export const failureSchema = z.strictObject({
  /** What was to be done, such as "model full". */
  work: z.string(),
  kind: z.string(),
  code: z.string(),
  message: z.string(),
  hint: z.string(),
});

/** A result that was planned and is not there. */
export const missingSchema = z.strictObject({
  what: z.enum([
    "base",
    "candidate",
    "cell",
    "heads",
    "epoch",
    "source",
    "trial",
    "certificate",
    "gallery",
  ]),
  /** What it is called, such as "full/none/pgd@linf-0.1". */
  id: z.string(),
  /** What it is about, as far as that says something of it. */
  candidate: z.string().optional(),
  defense: z.string().optional(),
  attack: z.string().optional(),
  /** Id of the threat model. */
  threatModel: z.string().optional(),
  /** Of a cell. */
  adaptive: z.boolean().optional(),
  trial: z.string().optional(),
  repair: z.string().optional(),
  sigma: z.number().optional(),
  /** The work that failed, so that it is not there; null where none did. */
  because: z.string().nullable(),
});

/**
 * Ids of what was planned for a number that is of several things, and has no result;
 * absent where it has all. `missing` of the document says more of each.
 */
export const missingIds = z.array(z.string()).optional();

export type FailureResult = z.infer<typeof failureSchema>;

export type MissingResult = z.infer<typeof missingSchema>;
