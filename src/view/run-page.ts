import { duration, line, sha256 } from "#core";
import { recommended, unbroken } from "#reports";
import type { Cell, Results } from "#results";
import { livePart } from "./live.ts";
import { page } from "./pages.ts";
import type { FoundRun } from "./runs.ts";
import { moment, share } from "./words.ts";

/** What the address of the page of a cell has instead of its name. */
export const addressOf = ({ id }: Pick<Cell, "id">): string =>
  sha256(id).slice(0, 16);

const words = {
  passed: "Gate: passed",
  failed: "Gate: failed",
  inconclusive: "Gate: inconclusive",
  none: "No verdict",
} as const;

/** A run: its gate, its cells, and how far it is where it goes on. */
export function runPage(run: FoundRun, results: Results | null): string {
  const { id, name, standings } = run;
  return page("run", {
    title: line(results?.title ?? standings[0]?.title ?? name),
    script: "run.js",
    id,
    name: line(name),
    live: standings.length > 0 ? livePart(standings) : null,
    results: results && foundOf(results),
  });
}

function foundOf(results: Results) {
  const { gate, provenance, timing, trials, failures = [], missing } = results;
  return {
    kind: results.complete ? gate.verdict : "none",
    verdict: results.complete ? words[gate.verdict] : "Partial run: no verdict",
    advice: recommended(results),
    rules: gate.rules.map((rule) => ({
      verdict: rule.verdict,
      rule: line(rule.rule),
      subject: line(rule.subject),
      measured: unbroken(line(rule.measured)),
      limit: unbroken(line(rule.limit)),
      reason: unbroken(line(rule.reason)),
    })),
    facts: [
      ["Suite", line(provenance.suite.file)],
      ["Started", moment(timing.startedAt)],
      ["Took", duration(timing.seconds)],
      ["Candidates", results.candidates.map(({ id }) => line(id)).join(", ")],
      ["Attacked samples", String(provenance.data.attacked)],
      ["Engine", line(provenance.engine)],
      ["Assay", line(provenance.assay)],
      ...(trials.length > 0
        ? [["Trials", `${trials.length}, in the report`]]
        : []),
      ...(failures.length > 0
        ? [["Failed", failures.map(({ message }) => line(message)).join("; ")]]
        : []),
      ...(missing ? [["Missing", `${missing.length} results`]] : []),
    ].map(([term, text]) => ({ term, text })),
    cells: results.cells.map(cellRow),
    count: `${results.cells.length} cells`,
  };
}

const cellRow = (cell: Cell) => ({
  address: addressOf(cell),
  candidate: line(cell.candidate),
  defense: line(cell.defense),
  attack: line(cell.attack),
  note: cell.defense === "none" ? "" : cell.adaptive ? "adaptive" : "as is",
  threat: line(cell.threatModel.id),
  clean: share(cell.cleanAccuracy),
  robust: share(cell.robustAccuracy),
  untrusted: !cell.trusted,
  words: `${cell.id} ${cell.trusted ? "trusted" : "not trusted"}`.toLowerCase(),
});
