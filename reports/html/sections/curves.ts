import type { Curve, Results } from "#results";
import { withoutParts } from "../../failures.ts";
import { normName, plain } from "../../format.ts";
import { pageOf } from "./described.ts";
import { lineChart } from "./line-chart.ts";

/**
 * Robust accuracy against eps, one chart for each defence, norm and task: the attack
 * that was run at the most budgets.
 */
export function curvesView(results: Results) {
  const groups = new Map<string, Curve[]>();
  for (const curve of results.curves) {
    // "main" is the task of candidates that have one.
    const task = memberOf(curve, results)?.task ?? "main";
    const key = JSON.stringify([curve.defense, curve.norm, task]);
    groups.set(key, [...(groups.get(key) ?? []), curve]);
  }
  return [...groups.values()].flatMap((curves) => {
    const most = Math.max(...curves.map((c) => c.points.length));
    if (most < 4) return [];
    const attack = curves.find((c) => c.points.length === most)?.attack;
    return [
      chart(
        curves.filter((c) => c.attack === attack),
        results,
      ),
    ];
  });
}

const memberOf = ({ candidate }: Curve, { candidates }: Results) =>
  candidates.find((c) => c.id === candidate)?.member;

/** The page of the cell that a point of a curve is; no budget at all is of none. */
function cellOf(curve: Curve, eps: number, { cells }: Results) {
  const cell = cells.find(
    (c) =>
      c.candidate === curve.candidate &&
      c.defense === curve.defense &&
      c.attack === curve.attack &&
      c.adaptive &&
      c.threatModel.norm === curve.norm &&
      c.threatModel.eps === eps,
  );
  return cell && pageOf(cell.id);
}

function chart(curves: readonly Curve[], results: Results) {
  const [first] = curves as [Curve, ...Curve[]];
  const member = memberOf(first, results);
  const without = withoutParts(curves.flatMap(({ missing = [] }) => missing));
  return lineChart({
    title: `${first.defense === "none" ? "No defence" : `Defence ${plain(first.defense)}`}, attack ${plain(first.attack)}, ${normName(first.norm)}${member && member.task !== "main" ? `, task ${plain(member.task)}` : ""}${without && ` (without ${without})`}`,
    along: first.norm === "edits" ? "edits" : "budget ε",
    symbol: first.norm === "edits" ? "edits" : "ε",
    column: "Candidate",
    rates: "Robust accuracy against eps",
    series: curves.map((curve) => ({
      name: plain(curve.candidate),
      points: curve.points.map((p) => ({
        at: p.eps,
        rate: p.robustAccuracy,
        page: cellOf(curve, p.eps, results),
      })),
    })),
    chance:
      member?.chance ?? results.task?.chance ?? 1 / results.classes.length,
  });
}
