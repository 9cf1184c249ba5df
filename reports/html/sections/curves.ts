import { area, line } from "d3-shape";
import type { Curve, Results } from "#results";
import { interval, normName, percent, plain } from "../../format.ts";
import { axis, frame, marker, STYLES, spread } from "./chart.ts";

/** Robust accuracy against eps, one chart for each defence and norm: the attack that was run at the most budgets. */
export function curvesView(results: Results) {
  const groups = new Map<string, Curve[]>();
  for (const curve of results.curves) {
    const key = JSON.stringify([curve.defense, curve.norm]);
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

function chart(curves: readonly Curve[], results: Results) {
  const [first] = curves as [Curve, ...Curve[]];
  const largest = Math.max(
    ...curves.flatMap((c) => c.points.map((p) => p.eps)),
  );
  const x = axis(
    [0, largest],
    [frame.left, frame.width - frame.right],
    (v) => String(Number(v.toPrecision(3))),
    6,
  );
  const y = axis(
    [0, 1],
    [frame.height - frame.bottom, frame.top],
    (v) => `${Math.round(100 * v)} %`,
  );
  const path = line<Curve["points"][number]>(
    (p) => x.at(p.eps),
    (p) => y.at(p.robustAccuracy.value),
  );
  const band = area<Curve["points"][number]>(
    (p) => x.at(p.eps),
    (p) => y.at(p.robustAccuracy.low),
    (p) => y.at(p.robustAccuracy.high),
  );
  const labels = spread(
    curves.map((c) => y.at(c.points.at(-1)?.robustAccuracy.value ?? 0)),
  );
  const chance = results.task?.chance ?? 1 / results.classes.length;
  return {
    title: `${first.defense === "none" ? "No defence" : `Defence ${plain(first.defense)}`}, attack ${plain(first.attack)}, ${normName(first.norm)}`,
    ...frame,
    x,
    y,
    x1: frame.width - frame.right,
    y1: frame.height - frame.bottom,
    middle: (frame.left + frame.width - frame.right) / 2,
    chance: {
      at: y.at(chance),
      label: `chance ${Math.round(100 * chance)} %`,
      labelAt: y.at(chance) - 4,
    },
    series: curves.map((c, i) => ({
      name: plain(c.candidate),
      tone: `s${i % STYLES}`,
      marker: marker(i),
      path: path([...c.points]),
      band: band([...c.points]),
      dots: c.points.map((p) => ({
        x: x.at(p.eps),
        y: y.at(p.robustAccuracy.value),
      })),
      labelX: frame.width - frame.right + 16,
      labelY: (labels[i] ?? 0) + 4,
      dotX: frame.width - frame.right + 8,
      dotY: labels[i],
    })),
    table: {
      eps: first.points.map((p) => Number(p.eps.toPrecision(4))),
      rows: curves.map((c) => ({
        name: plain(c.candidate),
        values: c.points.map((p) => ({
          value: percent(p.robustAccuracy.value),
          interval: interval(p.robustAccuracy),
        })),
      })),
    },
  };
}
