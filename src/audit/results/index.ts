import { z } from "zod";
import type { Explained } from "#core";
import { baseSchema, candidateSchema } from "./candidates.ts";
import { cellSchema } from "./cells.ts";
import { comparisonSchema } from "./comparison.ts";
import { crossTaskSchema } from "./cross-task.ts";
import { decisionSchema } from "./decisions.ts";
import { domainSchema } from "./domains.ts";
import { failureSchema, missingSchema } from "./failures.ts";
import { exampleSchema, textExampleSchema } from "./gallery.ts";
import { inheritanceSchema } from "./inheritance.ts";
import type { Content, Kept, NamedFile } from "./kept.ts";
import { recommendationSchema } from "./recommendation.ts";
import {
  certificateSchema,
  curveSchema,
  seedSummarySchema,
  transferSchema,
  worstCaseSchema,
} from "./summaries.ts";
import { trajectorySchema } from "./trajectory.ts";
import { repairSchema, trialSchema, trialUnitSchema } from "./trials.ts";
import { threatModelSchema, unitSchema } from "./values.ts";

export * from "./candidates.ts";
export * from "./cells.ts";
export * from "./comparison.ts";
export * from "./cross-task.ts";
export * from "./decisions.ts";
export * from "./domains.ts";
export * from "./failures.ts";
export * from "./gallery.ts";
export * from "./inheritance.ts";
export * from "./kept.ts";
export * from "./main-threats.ts";
export * from "./outcomes.ts";
export * from "./recommendation.ts";
export * from "./summaries.ts";
export * from "./trajectory.ts";
export * from "./trials.ts";
export * from "./values.ts";

/**
 * The results document: what a run found, and all that a report may see.
 * Fields are added within a major version and never renamed or removed.
 * All times live in `timing` and `seconds`; everything else is the
 * same, byte for byte, whenever the same suite is run with the same seed.
 */
export const RESULTS_VERSION = "1.4";

export const gateRuleSchema = z.strictObject({
  rule: z.string(),
  /** What the rule was applied to, such as "full / none / linf-0.1". */
  subject: z.string(),
  /**
   * The models that it judges; a defence is null where it judges the candidate behind
   * any. Absent where it judges none.
   */
  about: z
    .array(
      z.strictObject({ candidate: z.string(), defense: z.string().nullable() }),
    )
    .optional(),
  limit: z.string(),
  measured: z.string(),
  verdict: z.enum(["passed", "failed", "inconclusive"]),
  /** One sentence why. */
  reason: z.string(),
  /**
   * Of an inconclusive one about how many samples would decide it four times in five,
   * if it is as measured; absent where that is not known.
   */
  samples: z.int().optional(),
});

export const resultsSchema = z.strictObject({
  schemaVersion: z.literal(RESULTS_VERSION),
  title: z.string(),
  /**
   * False when only some cells were run (--only), or little of each (`smoke`). Such a
   * run has no verdict.
   */
  complete: z.boolean(),
  /**
   * Of a run that only shows that everything runs (--samples, --quick), which has no
   * verdict and whose numbers mean nothing: it is no baseline, and is not compared.
   * Absent of others.
   */
  smoke: z
    .strictObject({
      /** Most test samples that were attacked. */
      samples: z.int(),
      /** Whether steps, epochs and training data were cut to a few as well. */
      quick: z.boolean(),
    })
    .optional(),
  /** Names of the classes, or of the outputs. */
  classes: z.array(z.string()),
  /** What the outputs mean; absent for classifiers. */
  task: z
    .strictObject({
      kind: z.enum(["multi-label", "regression", "positions", "ctc", "lm"]),
      /** When a sample is wrong, as half a sentence. */
      broken: z.string(),
      /** The share that the best single answer gets right. */
      chance: z.number(),
    })
    .optional(),
  /**
   * Of each task the samples that were attacked, in the order of outcomes: 12
   * hexadecimal digits a sample, with a blank between, which stay the same wherever it
   * stands. Two runs are paired by them; documents before 1.4 have none.
   */
  samples: z
    .array(
      z.strictObject({
        task: z.string(),
        fingerprints: z.string(),
        /**
         * Of classifiers the number of the right class of each, from 0, with a blank
         * between.
         */
        labels: z.string().optional(),
      }),
    )
    .optional(),
  threatModels: z.array(threatModelSchema.omit({ access: true })),
  base: baseSchema.nullable(),
  /** The control of attacks through the base; absent where none asks for it. */
  unrelated: baseSchema.optional(),
  candidates: z.array(candidateSchema),
  defenses: z.array(
    z.strictObject({ id: z.string(), parts: z.array(unitSchema) }),
  ),
  attacks: z.array(
    unitSchema.extend({
      access: threatModelSchema.shape.access,
      /**
       * "query" needs no gradients; a "universal" one makes one perturbation for all
       * samples; in a "corruption" nobody searches; "control" is noise that every
       * attack must beat.
       */
      family: z.enum([
        "single-step",
        "iterative",
        "minimum-norm",
        "query",
        "universal",
        "corruption",
        "control",
        "transfer",
      ]),
      taxonomy: z.strictObject({
        atlas: z.array(z.string()),
        owasp: z.array(z.string()),
        nist: z.array(z.string()),
      }),
    }),
  ),
  cells: z.array(cellSchema),
  worstCases: z.array(worstCaseSchema),
  /** Of rules with `decide`; absent where there are none. */
  decisions: z.array(decisionSchema).optional(),
  /** Of candidates with several seeds. */
  seeds: z.array(seedSummarySchema),
  curves: z.array(curveSchema),
  /**
   * Robustness on the source domain beside the target's; absent where the suite does
   * not ask for it, and in a partial run.
   */
  domains: z.array(domainSchema).optional(),
  /**
   * Robustness after the epochs of fine-tunings; absent where the suite does not ask
   * for it, and in a partial run.
   */
  trajectories: z.array(trajectorySchema).optional(),
  /**
   * Of candidates of several tasks: every task attacked through the head of every
   * other; absent where there are none.
   */
  crossTask: z.array(crossTaskSchema).optional(),
  /**
   * Of each candidate beside what it was tuned from; absent where nothing in the suite
   * stands for the base.
   */
  inheritance: z.array(inheritanceSchema).optional(),
  /**
   * Attacks on the fine-tuning, as the suite names them, and repairs; empty
   * where it tries none.
   */
  trialAttacks: z.array(trialUnitSchema),
  repairs: z.array(repairSchema),
  trials: z.array(trialSchema),
  /** Of attacks through the base; absent where there is none. */
  transfer: z.array(transferSchema).optional(),
  /** Empty where the suite certifies nothing, and in a partial run. */
  certificates: z.array(certificateSchema),
  gallery: z.array(exampleSchema),
  /** The same of texts; absent where the samples are none. */
  textGallery: z.array(textExampleSchema).optional(),
  /** What failed, and why; absent where nothing did. */
  failures: z.array(failureSchema).optional(),
  /** What was planned and has no result; absent where there is nothing. */
  missing: z.array(missingSchema).optional(),
  /**
   * Why the run ended before all was done, by its own decision; absent where it did
   * not. What it did not do is `missing`.
   */
  stopped: z
    .strictObject({ by: z.literal("fail-fast"), reason: z.string() })
    .optional(),
  /**
   * What the run had to warn of besides what checks say, such as kept files that had
   * rotted. Absent where there was nothing.
   */
  warnings: z.array(z.string()).optional(),
  /** This run beside the baseline; absent where it has none. */
  comparison: comparisonSchema.optional(),
  gate: z.strictObject({
    verdict: z.enum(["passed", "failed", "inconclusive", "none"]),
    rules: z.array(gateRuleSchema),
    /**
     * How often chance alone decides; absent where there are no rules. Numbers without
     * an interval are judged by their values, and are not among these.
     */
    errors: z
      .strictObject({
        /** Rows with an interval, which share the first of these. */
        rows: z.int(),
        /** Most chance that the gate fails where every number meets its limit. */
        falseFailure: z.number(),
        /** Most chance that it passes where one does not. */
        falsePass: z.number(),
      })
      .optional(),
  }),
  /**
   * Which candidate to take, for each task; absent in a partial run, and in documents
   * that were written before there was one.
   */
  recommendations: z.array(recommendationSchema).optional(),
  provenance: z.strictObject({
    assay: z.string(),
    suite: z.strictObject({
      file: z.string(),
      /** Of the file, what it extends, what was put over it, and its variables. */
      hash: z.string(),
      /** What it extends, that which counts least first; absent where it is nothing. */
      extends: z
        .array(z.strictObject({ file: z.string(), hash: z.string() }))
        .optional(),
      /** What `--set` put over it; absent where that is nothing. */
      set: z.array(z.string()).optional(),
      /**
       * Names of the variables of the environment that it speaks of; absent where there
       * are none.
       */
      variables: z.array(z.string()).optional(),
    }),
    /**
     * Modules from outside that the suite uses, with the units that they brought;
     * absent where it uses none.
     */
    modules: z
      .array(
        z.strictObject({
          /** As the suite names it. */
          name: z.string(),
          /** Of a package. */
          version: z.string().nullable(),
          /** Of its files: the one that is named, and those that it imports by path. */
          hash: z.string(),
          units: z.array(z.strictObject({ kind: z.string(), id: z.string() })),
        }),
      )
      .optional(),
    data: z.strictObject({
      source: z.string(),
      fingerprint: z.string(),
      train: z.int(),
      validation: z.int(),
      test: z.int(),
      /** Test samples that were attacked. */
      attacked: z.int(),
    }),
    seed: z.int(),
    engine: z.string(),
    node: z.string(),
    platform: z.string(),
  }),
  timing: z.strictObject({
    startedAt: z.string(),
    finishedAt: z.string(),
    seconds: z.number(),
    /**
     * The most bytes of memory of a process while it did works of each kind, of those
     * that this run did here; absent where that is none. Like times it differs from run
     * to run.
     */
    memory: z
      .array(z.strictObject({ works: z.string(), bytes: z.number() }))
      .optional(),
  }),
});

export type GateRule = z.infer<typeof gateRuleSchema>;

export type Results = z.infer<typeof resultsSchema>;

/** A form in which results are written, for people or for other tools. */
export interface Reporter extends Explained {
  readonly id: string;
  readonly title: string;
  /** Where the form is specified; "-" where it is our own. */
  readonly reference: string;
  /** Its file or folder in that of a run, unless a person names another. */
  readonly file: string;
  /**
   * The results document in this form. The same results give the same bytes: it knows
   * neither clock nor machine. Names, notes and messages in the document come from
   * outside; it escapes them. A number that is not trusted is marked
   * wherever it stands.
   *
   * @returns the contents of the file; or files of a folder, one by one
   */
  render(
    results: Results,
    kept: Kept,
  ): Content | Promise<Content> | AsyncIterable<NamedFile>;
  /**
   * Sends the results to a server, where a person names its address; absent where there
   * is nothing to send.
   *
   * @param address of http or https
   * @throws where the server does not take them
   */
  send?(results: Results, kept: Kept, address: string): Promise<void>;
}
