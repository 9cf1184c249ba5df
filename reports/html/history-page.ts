import { plain } from "../format.ts";
import { inOrder, type PastRun, trendsOf } from "../history.ts";
import { page } from "./page.ts";
import { numberChart } from "./sections/number-chart.ts";

/** Many runs as one HTML file: a chart of each candidate, run by run. */
export function historyHtml(runs: readonly PastRun[]): string {
  const ordered = inOrder(runs);
  const last = ordered.at(-1)?.results.title ?? "no runs";
  return page("history-page", {
    title: `${plain(last)}, over ${ordered.length} runs`,
    trends: trendsOf(ordered).map(({ candidate, chart, untrusted }) => ({
      candidate,
      chart: numberChart(chart),
      untrusted,
    })),
    runs: ordered.map(({ name, results }, i) => ({
      number: i + 1,
      name: plain(name),
      title: plain(results.title),
      startedAt: plain(results.timing.startedAt),
      verdict: results.gate.verdict === "none" ? "-" : results.gate.verdict,
      assay: plain(results.provenance.assay),
      suite: results.provenance.suite.hash.slice(0, 12),
      data: results.provenance.data.fingerprint.slice(0, 12),
    })),
  });
}
