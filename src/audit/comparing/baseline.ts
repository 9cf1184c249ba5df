import { UsageError } from "#core";
import type { Results } from "../results/index.ts";

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
  { complete, missing, failures }: Results,
  name: string,
): void {
  const why = !complete
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
