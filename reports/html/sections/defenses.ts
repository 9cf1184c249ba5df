import { percent } from "#core";
import { type Cell, type Results, robustInEach } from "#results";
import { budget, mainThreats, plain } from "../../format.ts";
import { axis } from "./chart.ts";

const WIDTH = 510;
const LEFT = 20;
const RIGHT = 26;
/** A name, and below it the rod. */
const ROW = 42;
const TOP = 34;

/**
 * What each defence did to each candidate: undefended, defended against an
 * attack that does not know the defence, and against one that does. Each is
 * the worst case over the attacks that were run in both ways.
 */
export function defensesView(results: Results) {
  return mainThreats(results).flatMap((threat) =>
    results.defenses.slice(1).flatMap((defense) => {
      const at = (candidate: string, d: string) =>
        results.cells.filter(
          (c) =>
            c.candidate === candidate &&
            c.defense === d &&
            c.threatModel.id === threat.id,
        );
      const rows = results.candidates.flatMap((candidate) => {
        const defended = at(candidate.id, defense.id);
        if (defended.length === 0) return [];
        const replayed = new Set(
          defended.filter((c) => !c.adaptive).map((c) => c.attack),
        );
        const both = (cells: Cell[]) =>
          worst(cells.filter((c) => replayed.has(c.attack)));
        return [
          {
            name: plain(candidate.id),
            before: both(at(candidate.id, "none")),
            asIs: both(defended.filter((c) => !c.adaptive)),
            adaptive: both(defended.filter((c) => c.adaptive)),
          },
        ];
      });
      return rows.length === 0
        ? []
        : [chart(`${plain(defense.id)} at ${budget(threat)}`, rows)];
    }),
  );
}

/** Share of samples that no cell broke. */
function worst(cells: readonly Cell[]): number | null {
  if (cells.length === 0) return null;
  const robust = robustInEach(cells.map(({ outcomes }) => outcomes));
  return robust.filter(Boolean).length / robust.length;
}

interface Row {
  name: string;
  before: number | null;
  asIs: number | null;
  adaptive: number | null;
}

function chart(title: string, rows: readonly Row[]) {
  const height = TOP + rows.length * ROW + 34;
  const x = axis(
    [0, 1],
    [LEFT, WIDTH - RIGHT],
    (v) => `${Math.round(100 * v)} %`,
  );
  const place = (v: number | null) =>
    v === null ? null : { x: x.at(v), text: percent(v) };
  return {
    title,
    width: WIDTH,
    height,
    left: LEFT,
    right: WIDTH - RIGHT,
    x,
    top: 8,
    bottom: height - 30,
    tickY: height - 14,
    rows: rows.map((row, i) => {
      const y = TOP + i * ROW;
      const known = [row.before, row.asIs, row.adaptive].filter(
        (v) => v !== null,
      );
      return {
        name: row.name,
        y,
        textY: y - 12,
        from: known.length ? x.at(Math.min(...known)) : LEFT,
        to: known.length ? x.at(Math.max(...known)) : LEFT,
        before: place(row.before),
        asIs: place(row.asIs),
        adaptive: place(row.adaptive),
        cells: [row.before, row.asIs, row.adaptive].map((v, k) =>
          v === null ? (k === 2 ? "not evaluated" : "-") : percent(v),
        ),
      };
    }),
  };
}
