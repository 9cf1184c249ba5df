import { z } from "zod";
import { rateSchema } from "./values.ts";

/** One of two runs that are compared. */
const sideSchema = z.strictObject({
  title: z.string(),
  assay: z.string(),
  engine: z.string(),
  suite: z.strictObject({ file: z.string(), hash: z.string() }),
});

/** What became of a sample; of clean accuracy it is right or wrong. */
const fateSchema = z.enum(["robust", "broken", "wrong", "right"]);

/** A sample that counts in one of two runs only. */
export const flipSchema = z.strictObject({
  /** Where it is among the outcomes of either run. */
  old: z.int(),
  new: z.int(),
  /** As in `samples` of both documents; null where one of them has none. */
  fingerprint: z.string().nullable(),
  was: fateSchema,
  now: fateSchema,
});

/** A number of two runs, on the samples that both have. */
export const comparedSchema = z.strictObject({
  metric: z.enum(["cleanAccuracy", "robustAccuracy"]),
  candidate: z.string(),
  defense: z.string(),
  /** Null for all attacks that count at once, and for clean accuracy. */
  attack: z.string().nullable(),
  /** Id of the threat model; null for clean accuracy. */
  threatModel: z.string().nullable(),
  /** Of an attack behind a defence, whether it knew the defence; null otherwise. */
  adaptive: z.boolean().nullable(),
  /** On the paired samples where there are some, otherwise as the run says. */
  old: rateSchema.nullable(),
  new: rateSchema.nullable(),
  /** Samples that both runs have, and that only one has. */
  paired: z.int().nonnegative(),
  onlyOld: z.int().nonnegative(),
  onlyNew: z.int().nonnegative(),
  /**
   * New less old, with Newcombe's paired 95 % interval, or with what the intervals of
   * both runs leave where one was decided early and none are paired; null where not
   * compared.
   */
  difference: z
    .strictObject({ value: z.number(), low: z.number(), high: z.number() })
    .nullable(),
  /** Samples that were robust and are not any more, and the other way round. */
  lost: z.int().nonnegative(),
  gained: z.int().nonnegative(),
  /**
   * McNemar's exact test, or the least level at which the intervals of both runs are
   * apart; null where the number is not trusted or not compared.
   */
  pValue: z.number().nullable(),
  /** The same beside all other tests of the comparison, by Holm. */
  adjusted: z.number().nullable(),
  /** Which of both runs' numbers are trusted. */
  trust: z.enum(["both", "old", "new", "neither"]),
  /**
   * "undecided" where the test cannot tell; "untrusted" where one of both numbers is
   * not trusted; "refused" where they are not of the same thing; "gone" and "added"
   * where one run has no such number.
   */
  change: z.enum([
    "better",
    "worse",
    "undecided",
    "untrusted",
    "refused",
    "gone",
    "added",
  ]),
  /**
   * Why it is not compared, or not sample by sample, as half a sentence; null where it
   * is.
   */
  reason: z.string().nullable(),
  flips: z.array(flipSchema),
});

const numberSchema = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  trusted: z.boolean(),
});

/** What a trial found in two runs, side by side: no sample of it is paired. */
export const comparedFindingSchema = z.strictObject({
  candidate: z.string(),
  repair: z.string(),
  trial: z.string(),
  finding: z.string(),
  title: z.string(),
  at: z.string().nullable(),
  unit: z.enum(["share", "number"]),
  old: numberSchema.nullable(),
  new: numberSchema.nullable(),
});

/** Two runs, number by number. */
export const comparisonSchema = z.strictObject({
  old: sideSchema,
  new: sideSchema,
  /** What else differs, as sentences without their stops. */
  differences: z.array(z.string()),
  /** How many tests share the level, by Holm. */
  tests: z.int().nonnegative(),
  level: z.number(),
  rows: z.array(comparedSchema),
  findings: z.array(comparedFindingSchema),
});

export type Flip = z.infer<typeof flipSchema>;

export type Compared = z.infer<typeof comparedSchema>;

export type ComparedFinding = z.infer<typeof comparedFindingSchema>;

export type Comparison = z.infer<typeof comparisonSchema>;
