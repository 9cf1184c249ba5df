import { percent } from "#core";
import type { CrossTask, Results } from "#results";
import {
  budget,
  interval,
  mainThreats,
  plain,
  points,
  tone,
} from "../../format.ts";

/**
 * Of candidates of several tasks, a matrix for each attack: through whose head it went,
 * and what it did to whom.
 */
export function crossTaskView(results: Results) {
  const { crossTask = [] } = results;
  const threats = mainThreats(results);
  const groups = new Map<string, CrossTask[]>();
  for (const row of crossTask) {
    if (!threats.some((t) => t.id === row.threatModel)) continue;
    const { of, replica, defense, attack, threatModel } = row;
    const key = JSON.stringify([of, replica, defense, attack, threatModel]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((rows) => matrix(rows, results));
}

function matrix(rows: readonly CrossTask[], results: Results) {
  const [{ of, replica, defense, attack, threatModel }] = rows as [CrossTask];
  const taskOf = (id: string) =>
    plain(results.candidates.find((c) => c.id === id)?.member?.task ?? id);
  const heads = [...new Set(rows.map((r) => r.candidate))];
  const threat = results.threatModels.find((t) => t.id === threatModel);
  return {
    title: `${plain(of)}${replica === null ? "" : `, seed ${replica}`}, attack ${plain(attack)}, ${threat ? budget(threat) : plain(threatModel)}, ${defense === "none" ? "no defence" : `defence ${plain(defense)}`}`,
    tasks: heads.map(taskOf),
    rows: [...new Set(rows.map((r) => r.through))].map((through) => ({
      through: through === of ? "all heads at once" : taskOf(through),
      cells: heads.map((on) => {
        const row = rows.find(
          (r) => r.through === through && r.candidate === on,
        );
        return row
          ? {
              text: percent(row.robustAccuracy.value),
              interval: interval(row.robustAccuracy),
              tone: tone(row.robustAccuracy.value),
              drop: row.drop.value === 0 ? "no drop" : points(-row.drop.value),
              untrusted: !row.trusted,
            }
          : {
              text: "no shared samples",
              interval: "",
              tone: "empty",
              drop: "",
              untrusted: false,
            };
      }),
    })),
    worst: heads.map((on) => {
      const worst = results.worstCases.find(
        (w) =>
          w.candidate === on &&
          w.defense === defense &&
          w.threatModel === threatModel,
      );
      return worst
        ? {
            text: percent(worst.robustAccuracy.value),
            tone: tone(worst.robustAccuracy.value),
          }
        : { text: "n/a", tone: "empty" };
    }),
  };
}
