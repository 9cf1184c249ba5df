import type { Results } from "#results";
import { failedParts, RETRY } from "../../failures.ts";
import { unbroken } from "../../format.ts";

/** What has no result, why, and what was lost for it; null where nothing is missing. */
export function failuresView(results: Results) {
  const parts = failedParts(results);
  return parts.length > 0
    ? {
        retry: RETRY,
        parts: parts.map((one) => ({ ...one, why: unbroken(one.why) })),
      }
    : null;
}
