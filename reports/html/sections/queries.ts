import { percent } from "#core";
import { type Cell, countOf, type Results } from "#results";
import { budget, plain, whole } from "../../format.ts";
import { axis, frame, logAxis, marker, STYLES, slimPath } from "./chart.ts";
import { pageOf } from "./described.ts";

/** Query counts of the table below a chart. */
const COUNTS = [10, 100, 1000, 10_000];

/**
 * Share of the correctly classified samples that were broken within so many
 * queries: one chart for each attack that only queries, defence and threat
 * model, with a line for each candidate.
 */
export function queriesView(results: Results) {
  const querying = new Set(
    results.attacks.filter((a) => a.family === "query").map((a) => a.id),
  );
  const groups = new Map<string, Cell[]>();
  for (const cell of results.cells) {
    const broken = cell.queriesToBreak.some((q) => q > 0);
    if (!querying.has(cell.attack) || !broken || !cell.adaptive) continue;
    const key = JSON.stringify([
      cell.defense,
      cell.attack,
      cell.threatModel.id,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].map(chart);
}

function chart(cells: readonly Cell[]) {
  const [first] = cells as [Cell, ...Cell[]];
  const largest = Math.max(...cells.flatMap((c) => c.queriesToBreak));
  const x = logAxis(largest, [frame.left, frame.width - frame.right]);
  const y = axis(
    [0, 1],
    [frame.height - frame.bottom, frame.top],
    (v) => `${Math.round(100 * v)} %`,
  );
  // The share holds until the query at which it rises.
  const path = (points: readonly [number, number][]) =>
    slimPath(
      points.flatMap(([queries, share], i) => [
        [x.at(queries), y.at((points[i - 1] ?? [1, share])[1])] as const,
        [x.at(queries), y.at(share)] as const,
      ]),
    );
  const series = cells.map((c) => steps(c, largest));
  const defense =
    first.defense === "none" ? "no defence" : `defence ${plain(first.defense)}`;
  return {
    title: `${plain(first.attack)}, ${defense}, ${budget(first.threatModel)}`,
    ...frame,
    x,
    y,
    x1: frame.width - frame.right,
    y1: frame.height - frame.bottom,
    middle: (frame.left + frame.width - frame.right) / 2,
    series: cells.map((c, i) => ({
      name: plain(c.candidate),
      tone: `s${i % STYLES}`,
      marker: marker(i),
      path: path(series[i] ?? []),
    })),
    table: {
      counts: COUNTS.map(whole),
      rows: cells.map((c) => ({
        name: plain(c.candidate),
        page: pageOf(c.id),
        values: COUNTS.map((count) => percent(broken(c, count))),
      })),
    },
  };
}

/**
 * Of the samples that are right without the attack, the share that fell within
 * so many queries.
 */
function broken({ outcomes, queriesToBreak }: Cell, within: number): number {
  const right = countOf(outcomes, "robust", "broken");
  const fell = queriesToBreak.filter((q) => q > 0 && q <= within).length;
  return right === 0 ? 0 : fell / right;
}

/** The points at which the share rises, and the last query. */
function steps(cell: Cell, largest: number): [number, number][] {
  const rises = [...new Set(cell.queriesToBreak)]
    .filter((q) => q > 0)
    .sort((a, b) => a - b);
  return [1, ...rises, largest].map((q) => [q, broken(cell, q)]);
}
