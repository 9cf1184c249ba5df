import type { Results, Trajectory } from "#results";
import { withoutParts } from "../../failures.ts";
import { budget, plain } from "../../format.ts";
import { lineChart } from "./line-chart.ts";

/**
 * Clean and robust accuracy after the epochs of a fine-tuning, with a mark where other
 * layers began to be trained.
 */
export function trajectoriesView(results: Results) {
  return (results.trajectories ?? []).map((trajectory) => {
    const { candidate, attack, threatModel, points, note } = trajectory;
    if (note) return { note: `${plain(candidate)}: ${plain(note)}.` };
    const threat = results.threatModels.find((t) => t.id === threatModel);
    const n = points[0]?.robustAccuracy.n ?? 0;
    const doubted = points.filter((p) => !p.trusted).map((p) => p.epoch);
    const series = (
      name: string,
      rate: "cleanAccuracy" | "robustAccuracy",
    ) => ({
      name,
      points: points.map((p) => ({ at: p.epoch, rate: p[rate] })),
    });
    return {
      chart: lineChart({
        title: `${plain(candidate)}, attack ${plain(attack)}, ${threat ? budget(threat) : plain(threatModel)}, ${n} samples`,
        along: "epoch",
        column: "Accuracy",
        symbol: "epoch",
        rates: "Clean and robust accuracy by epoch",
        series: [
          series("clean", "cleanAccuracy"),
          series("robust", "robustAccuracy"),
        ],
        chance: null,
        marks: marksOf(trajectory),
      }),
      stages: stagesOf(trajectory),
      doubted: doubted.join(", "),
      without: withoutParts(trajectory.missing),
    };
  });
}

/** Before the first epoch of each further stage, and at the epoch that was kept. */
function marksOf({ points }: Trajectory) {
  return points.flatMap((p, i) => [
    ...(i > 0 && p.stage !== points[i - 1]?.stage
      ? [{ at: startOf(points, p.stage) - 0.5, style: "stage" }]
      : []),
    ...(p.best ? [{ at: p.epoch, style: "chosen" }] : []),
  ]);
}

/** The epoch after the last one of the stages before. */
const startOf = (points: Trajectory["points"], stage: number): number =>
  1 + Math.max(0, ...points.filter((p) => p.stage < stage).map((p) => p.epoch));

/** Which layers were trained from which epoch on. */
function stagesOf({ points }: Trajectory) {
  return points
    .filter((p, i) => p.stage !== points[i - 1]?.stage)
    .map((p) => ({
      from: startOf(points, p.stage),
      trained: p.trainable.map(plain).join(", "),
    }));
}
