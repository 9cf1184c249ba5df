export type {
  Content,
  Finding,
  Kept,
  NamedFile,
  Reporter,
  WorkTime,
} from "#results";

export { failedParts, RETRY, withoutAttacks } from "./failures.ts";
export { cleanBehind, findingText, headline, mainThreats } from "./format.ts";
export { renderHtml } from "./html/render.ts";
export { renderMarkdown } from "./markdown/render.ts";
export { reporters, usualReporters } from "./reporters/index.ts";
