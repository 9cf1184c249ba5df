import { z } from "zod";

/** A share of samples with its 95 % Clopper-Pearson interval. */
export const rateSchema = z.strictObject({
  value: z.number().min(0).max(1),
  low: z.number().min(0).max(1),
  high: z.number().min(0).max(1),
  n: z.int().nonnegative(),
});

/**
 * How a change is measured: as a distance of numbers, as "edits" of the characters of a
 * text, or not at all.
 */
export const normSchema = z.enum(["linf", "l2", "l1", "l0", "edits", "none"]);

/**
 * What the attacker may do. `eps` is in the unit of the input bounds; a count
 * for l0 and edits.
 */
export const threatModelSchema = z.strictObject({
  id: z.string(),
  norm: normSchema,
  eps: z.number().nonnegative(),
  /**
   * What the attack needed: nothing, labels, scores, gradients of the target, or
   * gradients of the public base.
   */
  access: z.enum(["none", "label", "score", "gradient", "base"]),
  /**
   * Most steps and restarts of an attack, and most queries of each sample; null where
   * the attack decides.
   */
  steps: z.int().nullable(),
  restarts: z.int().nullable(),
  queries: z.int().nullable(),
});

/** One mechanical test that a number is not an artefact. */
export const checkSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  status: z.enum(["passed", "warned", "failed"]),
  /** One plain sentence: what was seen, and what to do when it failed. */
  message: z.string(),
});

/** A unit with its parameters. */
export const unitSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** The paper: "Madry et al. 2018, arXiv:1706.06083". */
  reference: z.string(),
  params: z.record(z.string(), z.unknown()),
});

/** A mean over samples, such as the mean absolute error. */
export const measureSchema = z.strictObject({
  name: z.string(),
  value: z.number(),
  /** 95 % interval, where it is a mean of shares of samples. */
  interval: z.strictObject({ low: z.number(), high: z.number() }).optional(),
});

export type Rate = z.infer<typeof rateSchema>;

export type Norm = z.infer<typeof normSchema>;

export type ThreatModel = z.infer<typeof threatModelSchema>;

export type Access = ThreatModel["access"];

export type Check = z.infer<typeof checkSchema>;
