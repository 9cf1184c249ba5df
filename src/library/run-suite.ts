import { join } from "node:path";
import { z } from "zod";
import {
  type AuditOptions,
  checkArgument,
  limitsSchema,
  loadSuite,
  type OnEvent,
  prepareSuite,
  runAudit,
  type SuiteInput,
  planSuite as wholePlan,
} from "#audit";
import { UsageError, writeFile } from "#core";
import { usualReporters } from "#reports";
import type { Norm, Results } from "#results";

/** What a run of a suite would compute. */
export interface SuitePlan {
  /** Whether that is all of the suite, which alone has a verdict. */
  readonly complete: boolean;
  /** The candidates that are made. */
  readonly candidates: readonly string[];
  readonly cells: readonly {
    readonly id: string;
    readonly candidate: string;
    readonly defense: string;
    readonly attack: string;
    readonly threatModel: string;
    readonly norm: Norm;
    /** In the unit of the input bounds. */
    readonly eps: number;
    /** Whether the attack is made against the defence, not replayed. */
    readonly adaptive: boolean;
  }[];
  readonly trials: readonly {
    readonly id: string;
    readonly candidate: string;
    readonly trial: string;
    readonly repair: string;
  }[];
}

/**
 * What a run of a suite would compute. Reads data and models, and refuses what they
 * show to be impossible; nothing is trained or attacked.
 *
 * @param suite path of a YAML file, or of a module that exports a suite; or the suite,
 *   in which paths start at the working directory
 * @param options as those of `runSuite`
 * @throws SUITE_INVALID with file, line and key; NO_CELLS where nothing matches;
 *   SUITE_CODE
 * @example
 * ```ts
 * import { planSuite } from "assay";
 *
 * const { cells } = await planSuite("suite.yaml", { only: ["*\/none/*"] });
 * for (const { id } of cells) console.log(id);
 * ```
 */
export async function planSuite(
  suite: string | SuiteInput,
  {
    only,
    use,
    ...cut
  }: Pick<RunSuiteOptions, "only" | "use" | "samples" | "quick"> = {},
): Promise<SuitePlan> {
  const loaded = await loadSuite(suite, { use, smoke: smokeOf(cut) });
  const plan = wholePlan(loaded, only);
  await prepareSuite(loaded);
  return {
    complete: plan.complete,
    candidates: plan.candidates,
    cells: plan.cells.map((cell) => ({
      id: cell.id,
      candidate: cell.candidate,
      defense: cell.defense,
      attack: cell.attack,
      threatModel: cell.threatModel,
      norm: cell.norm,
      eps: cell.eps,
      adaptive: cell.adaptive,
    })),
    trials: plan.trials.map(({ id, candidate, trial, repair }) => ({
      id,
      candidate,
      trial,
      repair,
    })),
  };
}

/** How a suite is run. */
export interface RunSuiteOptions {
  /** Folder of the run. What is finished there is not computed again. */
  readonly out: string;
  /** Only cells and trials whose id matches one of these patterns; no verdict then. */
  readonly only?: readonly string[];
  /** Attacks so few samples, to see that everything runs; no verdict then. */
  readonly samples?: number;
  /**
   * The same in seconds: steps, epochs and training data are cut to a few as well; no
   * verdict then.
   */
  readonly quick?: boolean;
  /** Ends the run as soon as a rule of the gate cannot pass any more. */
  readonly failFast?: boolean;
  /**
   * Does nothing but what failed in the last run of the folder, and what needs it.
   * Without it, the same call does whatever is left.
   */
  readonly retryFailed?: boolean;
  /**
   * What the run may take, instead of the `limits` of the suite, one by one: `run` of
   * all works, after which it judges what it has, and `work` of one, in seconds or as
   * "10min"; `memory` of each worker, in bytes or as "4GB". Those of one work and of
   * memory hold where `workers` are processes.
   */
  readonly limits?: {
    readonly run?: number | string;
    readonly work?: number | string;
    readonly memory?: number | string;
  };
  /**
   * False refuses a suite that runs code, before any of it runs: a module, or a suite
   * that uses modules. True when left out.
   */
  readonly use?: boolean;
  /**
   * Processes that do the work, "auto" for as many as do best here; this process, which
   * blocks meanwhile, when left out.
   */
  readonly workers?: number | "auto";
  /** "onnxruntime" or "tfjs"; what the suite says when left out. */
  readonly engine?: "onnxruntime" | "tfjs";
  /** What onnxruntime computes on; "cpu" when left out. */
  readonly device?: "cpu" | "cuda" | "directml" | "coreml" | "webgpu" | "auto";
  /** Threads of each engine; its own choice when left out. */
  readonly threads?: number;
  /** Ends the run at its next step; what is finished is kept. */
  readonly signal?: AbortSignal;
  /** Told what the run does. */
  readonly onEvent?: OnEvent;
}

/**
 * Runs a suite as `assay run` does, and writes results.json, the summary and the report
 * into its folder. Models are not tried in a process of their own first, as the command
 * does: a damaged file may end this one.
 *
 * @param suite path of a YAML file, or of a module that exports a suite; or the suite,
 *   in which paths start at the working directory
 * @throws SUITE_INVALID and others for a suite that cannot be run; SUITE_CODE for one
 *   that runs code where `use` is false; ARGUMENT_INVALID; NOTHING_FAILED where there
 *   is nothing to retry; INTERRUPTED. What fails within the run stands in `failures` of
 *   the results. SUITE_WORKERS for workers of a suite object in which a schedule is a
 *   function
 * @example
 * ```ts
 * import { runSuite } from "assay";
 *
 * const results = await runSuite("suite.yaml", { out: "runs/first" });
 * for (const { id, robustAccuracy, trusted } of results.cells)
 *   console.log(id, robustAccuracy.value, trusted);
 * console.log(results.gate.verdict); // passed
 * ```
 */
export async function runSuite(
  suite: string | SuiteInput,
  { engine, device, limits, samples, quick, ...options }: RunSuiteOptions,
): Promise<Results> {
  if (options.workers !== undefined) requirePlain(suite);
  const results = await runAudit({
    ...options,
    suite,
    smoke: smokeOf({ samples, quick }),
    limits: limits && checkArgument(limits, "limits", limitsSchema),
    engine: engine || device ? { engine, device } : undefined,
  } satisfies AuditOptions);
  for (const { file, render } of usualReporters) {
    const content = await render(results, nothing);
    if (typeof content === "string" || content instanceof Uint8Array)
      writeFile(join(options.out, file), content);
  }
  return results;
}

/** How the suite is cut down; undefined where it is not. */
function smokeOf({
  samples,
  quick,
}: Pick<RunSuiteOptions, "samples" | "quick">): AuditOptions["smoke"] {
  if (samples !== undefined)
    checkArgument(samples, "samples", z.int().positive());
  return samples === undefined && !quick ? undefined : { samples, quick };
}

/** Refuses a suite with functions where other processes do the work. */
function requirePlain(suite: string | SuiteInput): void {
  try {
    structuredClone(suite);
  } catch (error) {
    throw new UsageError(
      "SUITE_WORKERS",
      "a schedule of the suite is a function, which other processes do not get",
      "Leave out workers, or export the suite from a module and pass its path.",
      { cause: error },
    );
  }
}

/** The usual forms need nothing but the results. */
const nothing = { examplesOf: async () => undefined, works: [] };
