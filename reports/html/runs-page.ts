import type { Comparison } from "#results";
import { plain } from "../format.ts";
import { runsTitle } from "../runs.ts";
import { page, type WayBack } from "./page.ts";
import { runsView } from "./sections/runs.ts";

/** Two runs beside each other as one HTML file; `back` leads to where it was opened. */
export function runsHtml(
  comparison: Comparison,
  back: readonly WayBack[] = [],
): string {
  const worse = comparison.rows.some(({ change }) => change === "worse");
  const side = ({ title, suite, assay, engine }: Comparison["old"]) => ({
    title: plain(title),
    suite: plain(suite.file),
    hash: suite.hash.slice(0, 12),
    assay: plain(assay),
    engine: plain(engine),
  });
  return page("runs-page", {
    back,
    title: runsTitle(comparison),
    kind: worse ? "failed" : "none",
    runs: runsView(comparison),
    sides: [
      { name: "Before", ...side(comparison.old) },
      { name: "Now", ...side(comparison.new) },
    ],
  });
}
