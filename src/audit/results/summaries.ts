import { z } from "zod";
import { missingIds } from "./failures.ts";
import { normSchema, rateSchema } from "./values.ts";

/**
 * Per-sample worst case over the attacks that count: adaptive ones, or all where
 * there is no defence.
 */
export const worstCaseSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  attacks: z.array(z.string()),
  /**
   * Audited candidates of other tasks on the same trunk, through whose heads it was
   * attacked as well; absent where there are none.
   */
  through: z.array(z.string()).optional(),
  robustAccuracy: rateSchema,
  trusted: z.boolean(),
  /**
   * False for a defence that no attack was made against: the number is only a
   * bound from above.
   */
  evaluated: z.boolean(),
  /**
   * McNemar's exact test against the first candidate under the same defence; null for
   * the first candidate itself.
   */
  comparison: z
    .strictObject({
      against: z.string(),
      difference: z.number(),
      /** Samples robust only here, and only there. */
      gained: z.int(),
      lost: z.int(),
      pValue: z.number(),
    })
    .nullable(),
});

/** Accuracy over the training seeds of one candidate; see docs/trust.md. */
export const seedSummarySchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Id of the threat model; null for clean accuracy on the attacked samples. */
  threatModel: z.string().nullable(),
  /** Of each seed. */
  values: z.array(z.number().min(0).max(1)),
  mean: z.number(),
  /** Standard deviation over seeds, on these samples. */
  betweenSeeds: z.number().nonnegative(),
  /** Standard error that the choice of samples adds to the mean. */
  samplingError: z.number().nonnegative(),
  /** 95 % interval of the mean with both. */
  low: z.number(),
  high: z.number(),
  /** How many seeds were planned; absent where each has a value. */
  planned: z.int().optional(),
  missing: missingIds,
});

export const curveSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  attack: z.string(),
  norm: normSchema,
  points: z.array(
    z.strictObject({ eps: z.number(), robustAccuracy: rateSchema }),
  ),
  missing: missingIds,
});

/** A success less that of a control on the same samples. */
const excessSchema = z.strictObject({
  difference: z.number(),
  /** 95 % interval, paired. */
  low: z.number(),
  high: z.number(),
  /** Samples that only the attack broke, and only the control. */
  only: z.int(),
  missed: z.int(),
  /** McNemar's exact test. */
  pValue: z.number(),
});

/**
 * How well an attack through the base carries over to undefended candidates, against
 * what they share with it.
 */
export const transferSchema = z.strictObject({
  attack: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  /**
   * The same attack through an unrelated model, and noise of the same size; null where
   * the suite has none.
   */
  controls: z.strictObject({
    unrelated: z.string().nullable(),
    noise: z.string().nullable(),
  }),
  /** By what they share with the base, ascending. */
  points: z.array(
    z.strictObject({
      candidate: z.string(),
      /**
       * Share of the candidate's weights that are the base's, and of its layer groups.
       */
      sharedWeights: z.number().min(0).max(1),
      sharedGroups: z.number().min(0).max(1),
      /** Of the correctly classified samples, and the same of the controls. */
      success: rateSchema,
      unrelated: rateSchema.nullable(),
      noise: rateSchema.nullable(),
      /** What is owed to the descent from the base, and what to the search. */
      overUnrelated: excessSchema.nullable(),
      overNoise: excessSchema.nullable(),
      /** Whether the cells of the attack and of its controls are. */
      trusted: z.boolean(),
    }),
  ),
  missing: missingIds,
});

/**
 * What randomised smoothing proves of a candidate: that the class it gives most often
 * under noise stays the same within a radius.
 */
export const certificateSchema = z.strictObject({
  candidate: z.string(),
  /**
   * Standard deviation of the noise; radii are L2 distances in the same unit, that of
   * the input bounds.
   */
  sigma: z.number(),
  /** Draws that picked the class, and that proved it. */
  n0: z.int(),
  n: z.int(),
  /** How often the certificate of a sample may be wrong. */
  alpha: z.number(),
  /**
   * One character a sample: "1" the right class was certified, "0" a wrong
   * one, "-" abstained.
   */
  outcomes: z.string(),
  /** Of the samples whose right class was certified; null for the others. */
  radii: z.array(z.number().nullable()),
  /** Share of the samples whose right class was certified at all. */
  accuracy: rateSchema,
  abstained: rateSchema,
  /** Share of the samples whose right class is certified to at least a radius. */
  curve: z.array(
    z.strictObject({ radius: z.number(), certifiedAccuracy: rateSchema }),
  ),
  seconds: z.number(),
});

export type WorstCase = z.infer<typeof worstCaseSchema>;

export type SeedSummary = z.infer<typeof seedSummarySchema>;

export type Curve = z.infer<typeof curveSchema>;

export type CertificateResult = z.infer<typeof certificateSchema>;

export type Transfer = z.infer<typeof transferSchema>;
