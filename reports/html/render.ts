import type { Results } from "#results";
import { plain } from "../format.ts";
import { limitsOf } from "../limits.ts";
import { page, type WayBack } from "./page.ts";
import { breakdownView } from "./sections/breakdown.ts";
import { cellsView } from "./sections/cells.ts";
import { certificatesView } from "./sections/certificates.ts";
import { comparisonView } from "./sections/comparison.ts";
import { coverageView } from "./sections/coverage.ts";
import { crossTaskView } from "./sections/cross-task.ts";
import { curvesView } from "./sections/curves.ts";
import { decidedView } from "./sections/decided.ts";
import { decisionView } from "./sections/decision.ts";
import { defensesView } from "./sections/defenses.ts";
import { detectorsView } from "./sections/detectors.ts";
import { domainsView } from "./sections/domains.ts";
import { failuresView } from "./sections/failures.ts";
import { coloursView, galleryView } from "./sections/gallery.ts";
import { gateView } from "./sections/gate.ts";
import { heatmapView } from "./sections/heatmap.ts";
import { inheritanceView } from "./sections/inheritance.ts";
import { kinshipView } from "./sections/kinship.ts";
import { measuresView } from "./sections/measures.ts";
import { methodsView } from "./sections/methods.ts";
import { provenanceView } from "./sections/provenance.ts";
import { queriesView } from "./sections/queries.ts";
import { runsView } from "./sections/runs.ts";
import { samplesView } from "./sections/samples.ts";
import { seedsView } from "./sections/seeds.ts";
import { textsView } from "./sections/texts.ts";
import { trainingView } from "./sections/training.ts";
import { trajectoriesView } from "./sections/trajectories.ts";
import { transferView } from "./sections/transfer.ts";
import { trialsView } from "./sections/trials.ts";
import { trustView } from "./sections/trust.ts";

/**
 * The report as one HTML file that needs nothing else: no network, no fonts, and all
 * there is to read without its one script, which sorts and filters tables. The same
 * document gives the same bytes. All text from outside is escaped by Handlebars and
 * stands only in text and quoted attributes.
 * @example
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { readResults, renderHtml } from "assay";
 *
 * writeFileSync("report.html", await renderHtml(readResults("runs/first")));
 * ```
 */
export async function renderHtml(results: Results): Promise<string> {
  return reportHtml(results, []);
}

/** The same, with links to what it was opened from. */
export async function reportHtml(
  results: Results,
  back: readonly WayBack[],
): Promise<string> {
  return page("report", {
    back,
    title: plain(results.title),
    decision: decisionView(results),
    gate: gateView(results),
    decided: decidedView(results),
    failures: failuresView(results),
    runs: runsView(results.comparison),
    trust: trustView(results),
    comparison: comparisonView(results),
    domains: domainsView(results),
    seeds: seedsView(results),
    inheritance: inheritanceView(results),
    heatmap: heatmapView(results),
    crossTask: crossTaskView(results),
    curves: curvesView(results),
    certificates: certificatesView(results),
    trials: await trialsView(results),
    queries: queriesView(results),
    breakdown: breakdownView(results),
    measures: measuresView(results),
    defenses: defensesView(results),
    detectors: detectorsView(results),
    gallery: await galleryView(results),
    colours: coloursView(results),
    texts: textsView(results),
    cells: cellsView(results),
    samples: samplesView(results),
    training: trainingView(results),
    trajectories: trajectoriesView(results),
    kinship: kinshipView(results),
    transfer: transferView(results),
    limits: limitsOf(results),
    coverage: coverageView(results),
    methods: methodsView(results),
    provenance: provenanceView(results),
  });
}
