import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf, readFile, UsageError } from "#core";
import {
  RESULTS_VERSION,
  type Results,
  resultsSchema,
} from "../results/index.ts";

/**
 * Reads a results document, or that of the folder of a run.
 *
 * @throws RESULTS_INVALID where the file is none of this version
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
  const version =
    document !== null && typeof document === "object"
      ? (document as { schemaVersion?: unknown }).schemaVersion
      : undefined;
  const { success, data } = resultsSchema.safeParse(document);
  if (success) return data;
  throw refuse(
    typeof version === "string" && version !== RESULTS_VERSION
      ? `has the results of version ${version}, this is ${RESULTS_VERSION}`
      : "is no results document",
  );
}
