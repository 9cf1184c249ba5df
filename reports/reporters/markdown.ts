import type { Reporter } from "#results";
import { renderMarkdown } from "../markdown/render.ts";

/** A summary for a pull request or a job page. */
export const markdown: Reporter = {
  id: "markdown",
  title: "Summary",
  summary: "A summary of all that was found, for a job page.",
  reference: "-",
  file: "summary.md",
  render: renderMarkdown,
};
