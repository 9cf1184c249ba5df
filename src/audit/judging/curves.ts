import { counts } from "../counting.ts";
import type { Cell, Curve, Rate } from "../results/index.ts";

/**
 * Robust accuracy over eps for each candidate, defence, attack and norm with
 * at least two positive eps among the cells that count. The point at 0 is the
 * clean accuracy, unless it was attacked too.
 */
export function curves(cells: readonly Cell[]): Curve[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells.filter(counts)) {
    const { candidate, defense, attack, threatModel } = cell;
    const key = JSON.stringify([candidate, defense, attack, threatModel.norm]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].flatMap(curve);
}

function curve(cells: readonly Cell[]): Curve[] {
  const [first] = cells;
  const points = new Map<number, Rate>();
  for (const { threatModel, robustAccuracy } of cells) {
    const known = points.get(threatModel.eps);
    if (!known || robustAccuracy.value < known.value) {
      points.set(threatModel.eps, robustAccuracy);
    }
  }
  const positive = [...points.keys()].filter((eps) => eps > 0);
  if (!first || positive.length < 2) return [];
  if (!points.has(0)) points.set(0, first.cleanAccuracy);
  return [
    {
      candidate: first.candidate,
      defense: first.defense,
      attack: first.attack,
      norm: first.threatModel.norm,
      points: [...points]
        .map(([eps, robustAccuracy]) => ({ eps, robustAccuracy }))
        .sort((a, b) => a.eps - b.eps),
    },
  ];
}
