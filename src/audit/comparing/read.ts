import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf, readFile, UsageError } from "#core";
import {
  RESULTS_VERSION,
  type Results,
  resultsSchema,
} from "../results/index.ts";
import { upgraded } from "./upgrade.ts";

/**
 * Reads a results document, or that of the folder of a run: of this version, or of any
 * before it.
 *
 * @throws RESULTS_INVALID where the file is none, or of a later version
 * @example
 * ```ts
 * import { readResults } from "assay";
 *
 * const { cells, gate } = readResults("runs/first");
 * console.log(cells.length > 0, gate.verdict); // true passed
 * ```
 */
export function readResults(path: string): Results {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const file = isFolder ? join(path, "results.json") : path;
  const refuse = (why: string) =>
    new UsageError(
      "RESULTS_INVALID",
      `${file} ${why}`,
      "Name the results.json of a finished run, or its folder.",
    );
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(readFile(file)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refuse(`is no JSON (${messageOf(error)})`);
  }
  if (document === null || typeof document !== "object")
    throw refuse("is no results document");
  const fields = document as Record<string, unknown>;
  const version = String(fields.schemaVersion);
  const { success, data, error } = resultsSchema.safeParse(
    isEarlier(version) ? upgraded(fields) : fields,
  );
  if (success) return data;
  const [issue] = error.issues;
  throw refuse(
    /^\d+\.\d+$/.test(version) &&
      version !== RESULTS_VERSION &&
      !isEarlier(version)
      ? `has the results of version ${version}, this is ${RESULTS_VERSION}`
      : `is no results document (${issue?.path.join(".")}: ${issue?.message})`,
  );
}

/** Whether a version is one before this, with the same major number. */
function isEarlier(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  const [ours, latest] = RESULTS_VERSION.split(".").map(Number);
  return major === ours && minor! < latest!;
}
