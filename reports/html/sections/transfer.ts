import { percent } from "#core";
import type { Rate, Results, Transfer } from "#results";
import { withoutParts } from "../../failures.ts";
import { budget, interval, plain, points, pValue } from "../../format.ts";
import { lineChart } from "./line-chart.ts";

type Point = Transfer["points"][number];

/**
 * Attacks through the base: how well each carries over, against what a candidate
 * shares with the base.
 */
export function transferView({
  transfer = [],
  threatModels,
  unrelated,
  base,
}: Results) {
  return {
    attacks: transfer.map((one) => {
      const threat = threatModels.find((t) => t.id === one.threatModel);
      const title = `${plain(one.attack)} under ${plain(one.threatModel)}${threat ? ` (${budget(threat)})` : ""}`;
      return {
        title,
        chart: chartOf(title, one),
        without: withoutParts(one.missing),
        hasUnrelated: one.points.some((p) => p.unrelated),
        hasNoise: one.points.some((p) => p.noise),
        rows: one.points.map((point) => ({
          candidate: plain(point.candidate),
          doubted: !point.trusted,
          shared: percent(point.sharedWeights),
          groups: percent(point.sharedGroups),
          success: shown(point.success),
          unrelated: shown(point.unrelated),
          noise: shown(point.noise),
          overUnrelated: excess(point.overUnrelated),
          overNoise: excess(point.overNoise),
        })),
      };
    }),
    accuracies:
      unrelated?.cleanAccuracy && base?.cleanAccuracy
        ? {
            base: percent(base.cleanAccuracy.value),
            unrelated: percent(unrelated.cleanAccuracy.value),
          }
        : null,
  };
}

const shown = (rate: Rate | null) =>
  rate
    ? { value: percent(rate.value), interval: interval(rate) }
    : { value: "-", interval: "" };

function excess(over: Point["overUnrelated"]) {
  if (!over) return { value: "-", interval: "", test: "" };
  return {
    value: points(over.difference),
    interval: interval(over),
    test: pValue(over.pValue),
  };
}

/**
 * Success against the shared weights; of candidates that share as much, the one that is
 * broken most. Nothing where all share the same.
 */
function chartOf(title: string, { points, controls }: Transfer) {
  const worst = new Map<number, Point>();
  for (const point of points) {
    const known = worst.get(point.sharedWeights);
    if (!known || point.success.value > known.success.value)
      worst.set(point.sharedWeights, point);
  }
  if (worst.size < 2) return null;
  const line = (name: string, rateOf: (point: Point) => Rate | null) => ({
    name,
    points: [...worst.values()].flatMap((point) => {
      const rate = rateOf(point);
      return rate ? [{ at: point.sharedWeights, rate }] : [];
    }),
  });
  return lineChart({
    title,
    along: "share of the weights that are the base's",
    symbol: "share",
    isShare: true,
    column: "Through",
    rates: "Attack success against the share of the base's weights",
    series: [
      line("the base", (p) => p.success),
      ...(controls.unrelated
        ? [line("an unrelated model", (p) => p.unrelated)]
        : []),
      ...(controls.noise ? [line("noise", (p) => p.noise)] : []),
    ].filter((series) => series.points.length > 0),
    chance: null,
  });
}
