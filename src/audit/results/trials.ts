import { z } from "zod";
import { pictureSchema } from "./gallery.ts";
import { checkSchema, unitSchema } from "./values.ts";

/** One number that a trial measured. */
export const findingSchema = z.strictObject({
  /** The same in every trial of a kind, such as "attack-success". */
  id: z.string(),
  title: z.string(),
  /**
   * What it was measured at where a trial has several budgets or targets, such as "10
   * poisons"; null for the trial as a whole.
   */
  at: z.string().nullable(),
  /** A "share" is in [0, 1]. */
  unit: z.enum(["share", "number"]),
  /** Null where there was nothing to measure. */
  value: z.number().nullable(),
  /** Ends of the 95 % interval; null where there is none. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** How many samples, targets or models it was found on. */
  n: z.int().nonnegative().nullable(),
  /**
   * The one number of the trial is "headline"; "control" is what the same measure is
   * without the attack; "cost" is what the attack or a repair costs in accuracy.
   */
  role: z.enum(["headline", "detail", "control", "cost"]),
  /** Which way the attacker wants it; null where neither. */
  attacker: z.enum(["up", "down"]).nullable(),
});

const scaleSchema = z.strictObject({
  label: z.string(),
  /** "share" runs from 0 to 1. */
  scale: z.enum(["linear", "log", "share"]),
});

/** Numbers against a number, a line for each series. */
export const chartSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  x: scaleSchema,
  y: scaleSchema,
  lines: z.array(
    z.strictObject({
      name: z.string(),
      points: z.array(
        z.strictObject({
          x: z.number(),
          y: z.number(),
          /** The 95 % interval, where there is one. */
          low: z.number().nullable(),
          high: z.number().nullable(),
        }),
      ),
    }),
  ),
  /** Values of y to hold lines against, such as where it began; absent without any. */
  levels: z
    .array(z.strictObject({ label: z.string(), y: z.number() }))
    .optional(),
});

const pieces = z.array(z.strictObject({ text: z.string(), cost: z.number() }));

/** A candidate, behind a repair, under an attack on its fine-tuning. */
export const trialSchema = z.strictObject({
  /** "candidate/repair/trial". */
  id: z.string(),
  candidate: z.string(),
  /** Id of the repair, or "none". */
  repair: z.string(),
  /** Id of the trial in the suite. */
  trial: z.string(),
  findings: z.array(findingSchema),
  charts: z.array(chartSchema),
  pictures: z.array(
    z.strictObject({ caption: z.string(), picture: pictureSchema }),
  ),
  /** Of a language model: what it says to some prompts, before and after. */
  transcripts: z
    .array(
      z.strictObject({
        prompt: z.string(),
        restricted: z.boolean(),
        before: z.string(),
        after: z.string(),
        /** Both token by token, each with -log p where it was said, in nats. */
        tokens: z.strictObject({ before: pieces, after: pieces }).optional(),
      }),
    )
    .optional(),
  /** What there is to know of how it went, in sentences without their stops. */
  notes: z.array(z.string()),
  trusted: z.boolean(),
  checks: z.array(checkSchema),
  /** The command that computes this trial alone. */
  reproduce: z.string(),
  seconds: z.number(),
});

/** An attack on the fine-tuning, as a suite names it. */
export const trialUnitSchema = unitSchema.extend({
  kind: z.string(),
  /** The id of the attack, such as "harmful-tuning", whatever the suite calls it. */
  attack: z.string().optional(),
  /** What the attacker knows and may do. */
  threat: z.string(),
  taxonomy: z.strictObject({
    atlas: z.array(z.string()),
    owasp: z.array(z.string()),
    nist: z.array(z.string()),
  }),
});

/** A repair by name, with its parts in order. */
export const repairSchema = z.strictObject({
  id: z.string(),
  parts: z.array(unitSchema),
});

export type Finding = z.infer<typeof findingSchema>;

export type Chart = z.infer<typeof chartSchema>;

export type Trial = z.infer<typeof trialSchema>;
