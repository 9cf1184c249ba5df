import { percent } from "#core";
import type { Cell, Results } from "#results";
import { budget, interval, mainThreats, plain } from "../../format.ts";
import { axis, frame, marker, STYLES, slimPath } from "./chart.ts";
import { pageOf } from "./described.ts";

type Detector = NonNullable<Cell["detection"]>["detectors"][number];

/**
 * How well detectors tell attacks from clean inputs: a chart for each candidate,
 * defence, detector and threat model with a curve for each attack, and what they
 * catch and cost in a table below.
 */
export function detectorsView(results: Results) {
  const controls = new Set(
    results.attacks.filter((a) => a.family === "control").map((a) => a.id),
  );
  const threats = new Set(mainThreats(results).map((t) => t.id));
  const groups = new Map<string, { cell: Cell; detector: Detector }[]>();
  for (const cell of results.cells) {
    const { candidate, defense, attack, threatModel, detection } = cell;
    if (!threats.has(threatModel.id) || controls.has(attack)) continue;
    for (const [place, detector] of (detection?.detectors ?? []).entries()) {
      const key = JSON.stringify([candidate, defense, place, threatModel.id]);
      groups.set(key, [...(groups.get(key) ?? []), { cell, detector }]);
    }
  }
  return [...groups.values()].map(chart);
}

function chart(entries: readonly { cell: Cell; detector: Detector }[]) {
  const [first] = entries as [(typeof entries)[number]];
  const { detector, cell } = first;
  const share = (v: number) => `${Math.round(100 * v)} %`;
  const x = axis([0, 1], [frame.left, frame.width - frame.right], share);
  const y = axis([0, 1], [frame.height - frame.bottom, frame.top], share);
  const path = (points: readonly (readonly number[])[]) =>
    slimPath(
      points.map(([falsely, rightly]) => [x.at(falsely!), y.at(rightly!)]),
    );
  const curves = entries.flatMap(({ cell, detector: { roc } }) =>
    roc ? [{ name: nameOf(cell), roc }] : [],
  );
  const clean = cell.detection?.clean;
  return {
    title: `${plain(detector.id)} in ${plain(cell.defense)} of ${plain(cell.candidate)}, ${budget(cell.threatModel)}`,
    ...frame,
    x,
    y,
    x1: frame.width - frame.right,
    y1: frame.height - frame.bottom,
    middle: (frame.left + frame.width - frame.right) / 2,
    diagonal: path([
      [0, 0],
      [1, 1],
    ]),
    cost: `Of the clean samples it flags ${percent(detector.falsePositives.value)} (${interval(detector.falsePositives)}); the defence rejects ${percent(clean?.rejected.value ?? 0)} of them and is right on ${percent(cell.cleanAccuracy.value)}.`,
    treats: detector.policy === "sanitise",
    hasCurves: curves.length > 0,
    series: curves.map(({ name, roc }, i) => ({
      name,
      tone: `s${i % STYLES}`,
      marker: marker(i),
      path: path(roc.points),
    })),
    rows: entries.map(({ cell, detector: { roc, detected } }) => {
      const { attacked } = cell.detection as NonNullable<Cell["detection"]>;
      return {
        name: nameOf(cell),
        page: pageOf(cell.id),
        area: roc ? roc.auc.value.toFixed(3) : "nothing fooled the model",
        areaInterval: roc
          ? `${roc.auc.low.toFixed(3)} to ${roc.auc.high.toFixed(3)}`
          : "",
        detected: detected ? percent(detected.value) : "",
        rejected: percent(attacked.rejected.value),
        accepted: attacked.acceptedAccuracy
          ? percent(attacked.acceptedAccuracy.value)
          : "",
        robust: percent(cell.robustAccuracy.value),
      };
    }),
  };
}

const nameOf = ({ attack, adaptive }: Cell) =>
  `${plain(attack)}${adaptive ? "" : ", as-is"}`;
