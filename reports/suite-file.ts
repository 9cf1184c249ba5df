import type { Results } from "#results";
import { wellFormed } from "./format.ts";

/**
 * The suite of a run, which findings point at: as it was named, by "/", without "./" in
 * front. Forges take it as a path from the root of the repository.
 */
export const suitePath = ({ provenance: { suite } }: Results): string =>
  suite.file.replaceAll("\\", "/").replace(/^(\.\/+)+/, "");

/** The same as a reference (RFC 3986). */
export function suiteUri(results: Results): string {
  const path = wellFormed(suitePath(results))
    .split("/")
    .map(encodeURIComponent)
    .join("/");
  return path.startsWith("/") ? `file://${path}` : path;
}
