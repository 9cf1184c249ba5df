import { jsonText } from "#core";
import type { Results } from "#results";

export type { Finding } from "#results";

export { failedParts, RETRY, withoutAttacks } from "./failures.ts";
export { cleanBehind, findingText, headline, mainThreats } from "./format.ts";
export { renderHtml } from "./html/render.ts";
export { renderMarkdown } from "./markdown/render.ts";

/** The results document as it is written to results.json. */
export function renderJson(results: Results): string {
  return jsonText(results);
}
