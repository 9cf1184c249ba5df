import type { Reporter, Results } from "#results";
import { renderMarkdown } from "../markdown/render.ts";

/** A summary for a pull request or a job page. */
export const markdown: Reporter = {
  id: "markdown",
  title: "Summary",
  summary: "A summary of all that was found, for a job page.",
  reference: "-",
  file: "summary.md",
  render,
};

/** Bytes of a summary; GitHub drops one of a step that is above a mebibyte. */
const LONGEST = 900_000;

function render(results: Results): string {
  const text = renderMarkdown(results);
  if (Buffer.byteLength(text) <= LONGEST) return text;
  const bytes = Buffer.from(text);
  const end = bytes.lastIndexOf("\n", LONGEST);
  const rest = bytes.toString("utf8", end + 1).split("\n").length - 1;
  return `${bytes.toString("utf8", 0, end)}\n\nand ${rest} more lines, in the report.\n`;
}
