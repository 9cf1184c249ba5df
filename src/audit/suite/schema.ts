import { z } from "zod";
import { type AnyAttack, corruptions } from "#attacks";
import { choiceOf, engines, numberOrFraction } from "#core";
import { dataSpecSchemaOf } from "#data";
import type { Remedy } from "#defenses";
import { taskSchema } from "#model";
import { ownUnits, reactiveOf, type Units } from "#units";
import { normSchema } from "../results/index.ts";
import { auditedCandidates } from "./candidates.ts";
import { extendsSchema } from "./extends-schema.ts";
import { gateSchema } from "./gate-rules.ts";
import { limitsSchema } from "./limits.ts";
import { baseSchemaOf, candidateSchemaOf, givenSchema, id } from "./models.ts";
import { taskSpecSchemaOf } from "./tasks.ts";

const shiftSchema = z.union([
  z.literal("invert"),
  z.strictObject({
    corruption: z.enum(corruptions.map((c) => c.id) as [string, ...string[]]),
    severity: z.int().min(1).max(5).default(3),
  }),
]);

const splitSchema = z.union([
  z.strictObject({
    train: z.number().positive(),
    validation: z.number().positive(),
    test: z.number().positive(),
  }),
  z.strictObject({
    train: z.string().min(1),
    validation: z.string().min(1).optional(),
    test: z.string().min(1),
  }),
]);

/** What an attacker may do. */
const threatModelSpec = z
  .strictObject({
    /**
     * How a perturbation is measured; "none" leaves its size to the attack (rotations,
     * patches, corruptions).
     */
    norm: normSchema,
    /**
     * In the unit of the input bounds; a count of numbers for l0, of
     * characters for edits.
     */
    eps: numberOrFraction.pipe(z.number().nonnegative()).optional(),
    /** Most steps of an iterative attack; what the attack says when left out. */
    steps: z.int().positive().optional(),
    /** Most restarts of an attack. */
    restarts: z.int().positive().optional(),
    /** Most queries of each sample; enforced. */
    queries: z.int().positive().optional(),
  })
  .refine((t) => (t.norm === "none") === (t.eps === undefined), {
    message: 'state eps, except where norm is "none"',
  });

/**
 * Parts of a repair: filters first, since each tunes the candidate again from the base.
 */
const repairSchemaOf = ({ repairs, trainingDefenses }: Units) =>
  z
    .array(
      choiceOf<Remedy>([
        ...repairs,
        ...trainingDefenses.filter(({ guards }) => guards),
      ]),
    )
    .min(1)
    .refine(
      (parts) =>
        parts.every(
          ({ unit }, i) =>
            unit.kind !== "filter" || parts[i - 1]?.unit.kind !== "mend",
        ),
      {
        message:
          "what cleans the data tunes the candidate again, which would undo the repair of weights before it: name it first",
      },
    );

/** The schema of a suite that can name these units. */
export const suiteSchemaOf = (units: Units) =>
  z.strictObject({
    version: z.literal(1),
    /**
     * Suites of YAML, or parts of some, that this one is put over: files, relative to
     * the one that names them, and what ships with Assay, such as assay:image-standard.
     * The later count more.
     */
    extends: extendsSchema.optional(),
    title: z.string().min(1),
    seed: z.int().nonnegative().default(0),
    /**
     * Modules that bring units of their own: paths that begin with ./ and are relative
     * to the suite, or packages that are installed where it is. Their code runs.
     */
    use: z.array(z.string().min(1)).default([]),
    data: dataSpecSchemaOf(units.sources),
    /**
     * Labelled data of another domain with the same classes; the data itself, without
     * the shift, when only that is stated.
     */
    sourceData: dataSpecSchemaOf(units.sources).optional(),
    /**
     * What makes the target domain of the data, in this order: inverted images, or a
     * common corruption.
     */
    shift: z.array(shiftSchema).default([]),
    /**
     * Classes of the target task, or names of its outputs, in the order of the model's
     * outputs; all of the data's when left out.
     */
    classes: z.array(z.string()).min(1).optional(),
    /**
     * What the outputs of the candidates mean, and when they are wrong; told by each
     * file when left out.
     */
    task: taskSchema.optional(),
    /** Further tasks that candidates can learn beside the suite's own. */
    tasks: z.record(id, taskSpecSchemaOf(units)).default({}),
    /**
     * Shares of the samples, drawn by chance; or files of the indices of each part, as
     * text
     * or .npy. Of data that is split by folders or a column, that split when left out;
     * otherwise 0.6, 0.15 and 0.25.
     */
    split: splitSchema.optional(),
    /** What runs the graphs. The command line may say otherwise. */
    engine: z.enum(engines).default("onnxruntime"),
    /**
     * Whether as many test samples of the source domain are attacked as well, by the
     * same attacks under the same threat models.
     */
    attackSource: z.boolean().default(false),
    /** Test samples that are attacked, chosen evenly over the classes. */
    samples: z.int().positive().default(500),
    base: baseSchemaOf(units).optional(),
    /**
     * A model of about the same accuracy that does not descend from the base, for
     * attacks with surrogate: unrelated. Trained as the base is, from another
     * seed, when left out.
     */
    unrelated: givenSchema.optional(),
    candidates: z
      .record(id, candidateSchemaOf(units))
      .transform(auditedCandidates),
    /** Reactive defences by name; the undefended candidate, "none", is always there. */
    defenses: z
      .record(id, z.array(choiceOf(reactiveOf(units))).min(1))
      .default({}),
    threatModels: z.record(id, threatModelSpec).default({}),
    attacks: z
      .record(id, choiceOf<AnyAttack>([...units.attacks, ...units.textAttacks]))
      .default({}),
    /** Further budgets for the curves of robust accuracy. */
    sweep: z
      .strictObject({
        norm: normSchema.exclude(["none"]),
        eps: z.array(numberOrFraction.pipe(z.number().nonnegative())).min(1),
        attack: id,
        defenses: z.array(id).default(["none"]),
      })
      .optional(),
    /**
     * Attacks that are also made on all heads of a candidate of several tasks at once:
     * on the sum of their losses, until all are wrong.
     */
    allHeads: z.array(id).default([]),
    /**
     * Robustness along each fine-tuning, or adaptation that trains: the weights after
     * its epochs, against one of the attacks under one of the threat models.
     */
    trajectory: z
      .strictObject({
        attack: id,
        threatModel: id,
        /** How many of the attacked samples. */
        samples: z.int().positive().default(100),
        /**
         * After every how many epochs; the last before other layers are trained, the
         * one that was kept and the last of all are always among them.
         */
        every: z.int().positive().default(1),
        /** All that are fine-tuned or adapted when left out. */
        candidates: z.array(id).min(1).optional(),
      })
      .optional(),
    /**
     * Certified radii of candidates behind noise (randomised smoothing). The defaults
     * are those of Cohen et al. 2019.
     */
    certify: z
      .strictObject({
        /**
         * Standard deviation of the noise, in the unit of the input bounds; several for
         * a certificate at each.
         */
        sigma: z.union([
          z.number().positive(),
          z.array(z.number().positive()).min(1),
        ]),
        /** Draws that pick the class. */
        n0: z.int().positive().default(100),
        /** Draws that prove it. */
        n: z.int().positive().default(100_000),
        /** How often a certificate may be wrong. */
        alpha: z.number().gt(0).lt(0.5).default(0.001),
        /** How many of the attacked samples are certified; all when left out. */
        samples: z.int().positive().optional(),
        /** All when left out. */
        candidates: z.array(id).min(1).optional(),
      })
      .optional(),
    /**
     * Attacks on the fine-tuning itself: on its data, on what came of it, on
     * what that tells.
     */
    trials: z
      .record(
        id,
        z.strictObject({
          attack: choiceOf(units.trialAttacks),
          /** All that it can be tried on when left out. */
          candidates: z.array(id).min(1).optional(),
          /** Among them "none", for no repair; all when left out. */
          repairs: z.array(id).min(1).optional(),
        }),
      )
      .default({}),
    /**
     * Defences by name that clean the fine-tuning set, change the tuned weights, or
     * stand over the training of a released model on data of others, and are tried
     * against every trial.
     */
    repairs: z.record(id, repairSchemaOf(units)).default({}),
    limits: limitsSchema.default({}),
    /** Results of another run, to compare with: a file of `assay baseline save`. */
    baseline: z.string().min(1).optional(),
    gate: gateSchema.default([]),
    /** Adversarial examples shown for each candidate. */
    gallery: z.int().nonnegative().default(3),
  });

/** The schema of a suite of our own units. */
export const suiteSchema = suiteSchemaOf(ownUnits);

export type Suite = z.output<typeof suiteSchema>;
