import { z } from "zod";

/** A candidate behind a defence; "none" is the candidate as it is. */
const contenderSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
});

/**
 * Why a candidate behind a defence is not recommended, whatever its numbers:
 * "gate failed" or "gate open" by a rule that is about it, "not trusted" of a number,
 * "guesses" where its answers cannot be told from one for everything, "not evaluated"
 * where no attack was made against the defence, "not attacked" at every budget,
 * "missing" where something has no result, and "no gain" of a defence that is not
 * shown to be better than none.
 */
const reasonSchema = z.enum([
  "gate failed",
  "gate open",
  "not trusted",
  "guesses",
  "not evaluated",
  "not attacked",
  "missing",
  "no gain",
]);

/** Which candidate of a task to take, as far as the numbers tell. */
export const recommendationSchema = z.strictObject({
  /** "main" where the candidates have one. */
  task: z.string(),
  /**
   * "better": it is shown to be better than each of the others. "only": no other can be
   * recommended, and the gate passes it. "undecided": none is shown to be better than
   * all others. "none": none can be recommended.
   */
  kind: z.enum(["better", "only", "undecided", "none"]),
  /** What is recommended; null of the other two kinds. */
  take: contenderSchema.nullable(),
  /** What, and why, in two sentences. */
  sentences: z.tuple([z.string(), z.string()]),
  /** Those that no other is shown to be better than, in the order of the candidates. */
  front: z.array(contenderSchema),
  /** What they are compared by: clean accuracy, then robust accuracy at each budget. */
  numbers: z.array(
    z.strictObject({
      metric: z.enum(["cleanAccuracy", "robustAccuracy"]),
      /** Id of the threat model; null of clean accuracy. */
      threatModel: z.string().nullable(),
    }),
  ),
  /** Samples that all of them were compared on. */
  samples: z.int().nonnegative(),
  /** Those that are not compared, and why. */
  leftOut: z.array(
    contenderSchema.extend({ because: z.array(reasonSchema).min(1) }),
  ),
  /** How many tests share the level, by Holm, over all tasks. */
  tests: z.int().nonnegative(),
  level: z.number(),
});

export type Contender = z.infer<typeof contenderSchema>;

export type LeftOutBecause = z.infer<typeof reasonSchema>;

export type Recommendation = z.infer<typeof recommendationSchema>;
