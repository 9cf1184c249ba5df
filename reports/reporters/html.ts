import type { Reporter } from "#results";
import { renderHtml } from "../html/render.ts";

/** The report for people: one page that needs nothing else. */
export const html: Reporter = {
  id: "html",
  title: "Report",
  summary:
    "The report for people: one page that needs nothing else, neither scripts nor a network.",
  reference: "-",
  file: "report.html",
  render: renderHtml,
};
