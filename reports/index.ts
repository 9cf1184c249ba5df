export type {
  Comparison,
  Content,
  Finding,
  Kept,
  NamedFile,
  Reporter,
  WorkTime,
} from "#results";

export { failedParts, RETRY, withoutAttacks } from "./failures.ts";
export {
  cleanBehind,
  errorsInWords,
  findingText,
  headline,
  mainThreats,
  unbroken,
} from "./format.ts";
export type { PastRun } from "./history.ts";
export { historyHtml } from "./html/history-page.ts";
export { renderHtml, reportHtml } from "./html/render.ts";
export { runsHtml } from "./html/runs-page.ts";
export { type Piece, piecesOf } from "./html/sections/texts.ts";
export { renderMarkdown } from "./markdown/render.ts";
export { runsMarkdown } from "./markdown/runs.ts";
export { type Recommended, recommended } from "./recommended.ts";
export { reporters, usualReporters } from "./reporters/index.ts";
export { isTold, runsHeadline, runsMethod, runsRows } from "./runs.ts";
export {
  arePictures,
  type Columns,
  isRows,
  jsonLine,
  type Sample,
  type Side,
  sampleOf,
  samplePicture,
} from "./samples.ts";
