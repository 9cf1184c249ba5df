import { percent } from "#core";
import type { Cell, Results } from "#results";
import { budget, plain, tone } from "../../format.ts";
import { pageOf } from "./described.ts";

/**
 * Robust accuracy under each part of an attack, such as each corruption at each
 * severity: one table for each cell that has parts, with the mean of each row
 * and of all.
 */
export function breakdownView(results: Results) {
  return results.cells.filter((c) => c.breakdown.length > 0).map(table);
}

function table(cell: Cell) {
  const { breakdown } = cell;
  const levels = [...new Set(breakdown.map((b) => b.level))].sort(
    (a, b) => a - b,
  );
  const names = [...new Set(breakdown.map((b) => b.name))];
  const at = (name: string, level: number) =>
    breakdown.find((b) => b.name === name && b.level === level)?.robustAccuracy
      .value;
  const mean = (values: readonly (number | undefined)[]) => {
    const known = values.filter((v) => v !== undefined);
    return known.reduce((a, b) => a + b, 0) / known.length;
  };
  const defense =
    cell.defense === "none" ? "no defence" : `defence ${plain(cell.defense)}`;
  return {
    title: `${plain(cell.candidate)}, ${plain(cell.attack)}, ${defense}, ${budget(cell.threatModel)}`,
    page: pageOf(cell.id),
    levels,
    mean: percent(mean(breakdown.map((b) => b.robustAccuracy.value))),
    worst: percent(cell.robustAccuracy.value),
    rows: names.map((name) => {
      const values = levels.map((level) => at(name, level));
      return {
        name: plain(name),
        values: values.map((v) => ({
          text: v === undefined ? "" : percent(v),
          tone: v === undefined ? "empty" : tone(v),
        })),
        mean: percent(mean(values)),
      };
    }),
  };
}
