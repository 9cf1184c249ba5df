import { z } from "zod";
import {
  checkSchema,
  measureSchema,
  rateSchema,
  threatModelSchema,
} from "./values.ts";

/**
 * How well a score tells the attacked samples that are misclassified from the clean
 * ones that are not.
 */
export const rocSchema = z.strictObject({
  /** Area under the curve, with its 95 % interval. */
  auc: z.strictObject({
    value: z.number().min(0).max(1),
    low: z.number().min(0).max(1),
    high: z.number().min(0).max(1),
  }),
  positives: z.int(),
  negatives: z.int(),
  /** Shares of false and of true positives, at each percent of the first. */
  points: z.array(z.tuple([z.number(), z.number()])),
});

const answersSchema = z.strictObject({
  /** Share of the samples that were refused an answer. */
  rejected: rateSchema,
  /** Accuracy among the others; null when there is none. */
  acceptedAccuracy: rateSchema.nullable(),
});

/** How the detectors of a defence did in a cell. */
export const detectionSchema = z.strictObject({
  clean: answersSchema,
  attacked: answersSchema,
  detectors: z.array(
    z.strictObject({
      id: z.string(),
      policy: z.enum(["reject", "sanitise"]),
      threshold: z.number(),
      /** Share of the clean samples that were flagged. */
      falsePositives: rateSchema,
      /**
       * Share of those flagged that were right clean and are misclassified under
       * attack; null when there is none.
       */
      detected: rateSchema.nullable(),
      roc: rocSchema.nullable(),
    }),
  ),
});

export const cellSchema = z.strictObject({
  /**
   * "candidate/defense/attack@threatModel", with "+as-is" before "@" where the attack
   * did not know the defence.
   */
  id: z.string(),
  candidate: z.string(),
  defense: z.string(),
  attack: z.string(),
  threatModel: threatModelSchema,
  /**
   * True when the attack was made against the defence; false when it was made on the
   * undefended candidate and replayed.
   */
  adaptive: z.boolean(),
  /**
   * Accuracy of candidate and defence on the clean samples; one that a detector rejects
   * counts as wrong.
   */
  cleanAccuracy: rateSchema,
  /**
   * Share of all samples that are classified correctly clean, and under this attack
   * correctly or, being rejected, not at all.
   */
  robustAccuracy: rateSchema,
  /**
   * Share of the correctly classified samples that the attack broke; null when
   * none was correct.
   */
  attackSuccess: rateSchema.nullable(),
  /**
   * Why the attacked model has no gradient that an attack could follow; absent where
   * it has one, and where the attack does not ask the model.
   */
  noGradient: z.string().optional(),
  /** Samples that were evaluated, over all samples of the cell. */
  queries: z.strictObject({
    forward: z.int(),
    gradient: z.int(),
    /** Gradient queries on the public base. */
    base: z.int(),
  }),
  trusted: z.boolean(),
  checks: z.array(checkSchema),
  /**
   * One character a sample, in order: "1" robust, "0" broken by the attack, "-" wrong
   * or rejected without it.
   */
  outcomes: z.string(),
  /**
   * Queries until each sample was broken, in order; 0 where it was not, or where it was
   * wrong without the attack. Empty for an attack that does not query the target.
   */
  queriesToBreak: z.array(z.int()),
  /**
   * Robust accuracy under each part of the attack, such as each corruption at each
   * severity; empty for most attacks.
   */
  breakdown: z.array(
    z.strictObject({
      name: z.string(),
      /** How strong it was, from 1 on. */
      level: z.int(),
      robustAccuracy: rateSchema,
    }),
  ),
  /**
   * How far outputs are from their targets on the attacked samples, clean and under the
   * attack; absent for classifiers.
   */
  measures: z
    .array(
      measureSchema.extend({
        clean: z.number(),
        cleanInterval: measureSchema.shape.interval,
      }),
    )
    .optional(),
  /** What the detectors of the defence did; absent where it has none. */
  detection: detectionSchema.optional(),
  /** The command that computes this cell alone. */
  reproduce: z.string(),
  seconds: z.number(),
});

export type Roc = z.infer<typeof rocSchema>;

export type Detection = z.infer<typeof detectionSchema>;

export type Cell = z.infer<typeof cellSchema>;
