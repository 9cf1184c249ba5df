import { existsSync } from "node:fs";
import { UsageError } from "#core";

/** The suite of a folder, as `assay init` writes it. */
export const OWN_SUITE = "assay.yaml";

/**
 * The suites that were named, or that of the folder where none was.
 *
 * @throws SUITE_NONE where there is none
 */
export function suitesOf(named: readonly string[]): readonly string[] {
  if (named.length > 0) return named;
  if (existsSync(OWN_SUITE)) return [OWN_SUITE];
  throw new UsageError(
    "SUITE_NONE",
    `no suite is named, and there is no ${OWN_SUITE} in this folder`,
    "Name a suite, or have assay init write one for the models and data of this folder.",
  );
}
