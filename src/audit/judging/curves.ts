import { counts } from "../counting.ts";
import type { Cell, Curve, MissingResult, Rate } from "../results/index.ts";
import { idsOf, lostAttacks } from "./lacking.ts";

/**
 * Robust accuracy over eps for each candidate, defence, attack and norm with
 * at least two positive eps among the cells that count. The point at 0 is the
 * clean accuracy, unless it was attacked too.
 *
 * @param missing what was planned and has no result: a curve says what it is without
 * @param threatModels of the suite
 */
export function curves(
  cells: readonly Cell[],
  missing: readonly MissingResult[] = [],
  threatModels: readonly Pick<Cell["threatModel"], "id" | "norm">[] = [],
): Curve[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells.filter(counts)) {
    const { candidate, defense, attack, threatModel } = cell;
    const key = JSON.stringify([candidate, defense, attack, threatModel.norm]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const norms = new Map(threatModels.map(({ id, norm }) => [id, norm]));
  const lost = lostAttacks(missing).filter(({ what }) => what === "cell");
  return [...groups.values()].flatMap(curve).map((one) => ({
    ...one,
    missing: idsOf(
      lost.filter(
        ({ candidate, defense, attack, threatModel = "" }) =>
          candidate === one.candidate &&
          defense === one.defense &&
          attack === one.attack &&
          norms.get(threatModel) === one.norm,
      ),
    ),
  }));
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
