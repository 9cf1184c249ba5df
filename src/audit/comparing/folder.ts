import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "#core";
import type { Results } from "../results/index.ts";

type Left = Partial<Pick<Results, "smoke" | "failures">>;

/** Results in a folder, as far as they can be read; undefined where there are none. */
function resultsIn(folder: string): Left | undefined {
  const file = join(folder, "results.json");
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) ?? undefined;
  } catch {
    // What cannot be read is written anew.
    return undefined;
  }
}

/**
 * Refuses a folder with results of the other kind: those of a smoke run would stand
 * where a verdict did, or a verdict where nobody expects one.
 *
 * @throws SMOKE_FOLDER
 */
export function requireOwnFolder({
  out,
  smoke,
}: {
  readonly out: string;
  readonly smoke?: object;
}): void {
  const before = resultsIn(out);
  if (!before || Boolean(before.smoke) === Boolean(smoke)) return;
  throw new UsageError(
    "SMOKE_FOLDER",
    smoke
      ? `${out} has the results of a whole run, which a smoke run would replace`
      : `${out} has the results of a smoke run`,
    "Name another folder with --out.",
  );
}

/**
 * What failed in the last run of a folder, by the ids of works.
 *
 * @throws NOTHING_FAILED where no run has ended there, or nothing failed
 */
export function failedIn(out: string): ReadonlySet<string> {
  const before = resultsIn(out);
  const failed = before?.failures?.map(({ work }) => work) ?? [];
  if (failed.length > 0) return new Set(failed);
  throw new UsageError(
    "NOTHING_FAILED",
    before
      ? `nothing failed in the last run in ${out}`
      : `no run has ended in ${out}`,
    "Leave out --retry-failed: the same command does whatever is left to do.",
  );
}
