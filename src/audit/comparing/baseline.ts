import { resolve } from "node:path";
import { UsageError } from "#core";
import type { Results } from "../results/index.ts";
import type { LoadedSuite } from "../suite/index.ts";
import { readResults } from "./read.ts";

/**
 * What a run is compared with: a results document, or a run's folder.
 *
 * @param stated instead of what the suite says; false for none
 * @throws BASELINE where a rule needs one and there is none, or it is partial;
 *   RESULTS_INVALID, FILE_UNREADABLE
 */
export function baselineFor(
  { suite, folder }: Pick<LoadedSuite, "suite" | "folder">,
  stated?: string | false,
): Results | undefined {
  if (stated === false) return undefined;
  const path = stated ?? (suite.baseline && resolve(folder, suite.baseline));
  if (path !== undefined) {
    const baseline = readResults(path);
    requireWhole(baseline, path);
    return baseline;
  }
  const rule = suite.gate.findIndex(({ regression }) => regression);
  if (rule < 0) return undefined;
  throw new UsageError(
    "BASELINE",
    `gate[${rule}].regression: found no baseline to compare with`,
    "State baseline: baseline.json in the suite or give --baseline, a file of `assay baseline save`. --no-baseline leaves such rules undecided, for the first run.",
  );
}

/**
 * A results document without what a comparison does not need, small enough to be
 * committed. It is a results document still.
 *
 * @throws BASELINE for a run that is partial or lacks something
 */
export function baselineOf(results: Results): Results {
  requireWhole(results, "the run");
  return {
    ...results,
    base: results.base && { ...results.base, history: [] },
    unrelated: results.unrelated && { ...results.unrelated, history: [] },
    candidates: results.candidates.map((one) => ({ ...one, history: [] })),
    cells: results.cells.map((cell) => ({
      ...cell,
      checks: cell.checks.filter(({ status }) => status === "failed"),
      queriesToBreak: [],
      breakdown: [],
      measures: undefined,
      detection: undefined,
    })),
    curves: [],
    trajectories: undefined,
    transfer: undefined,
    inheritance: undefined,
    domains: undefined,
    certificates: [],
    trials: results.trials.map((trial) => ({
      ...trial,
      charts: [],
      pictures: [],
      notes: [],
    })),
    gallery: [],
    textGallery: undefined,
    comparison: undefined,
  };
}

/**
 * Throws BASELINE where a run is no yardstick: what it does not have would look as if
 * nothing had become worse.
 */
export function requireWhole(
  { complete, smoke, missing, failures }: Results,
  name: string,
): void {
  const why = smoke
    ? "is a smoke run (--samples, --quick), whose numbers mean nothing"
    : !complete
      ? "is partial (--only)"
      : (missing ?? failures)
        ? "lacks something that was planned"
        : null;
  if (why === null) return;
  throw new UsageError(
    "BASELINE",
    `${name} ${why}, so it is no baseline`,
    "Run the whole suite until nothing fails, and save that.",
  );
}
