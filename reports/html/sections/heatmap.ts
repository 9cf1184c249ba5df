import { percent } from "#core";
import type { Cell, Results } from "#results";
import { budget, mainThreats, plain, tone } from "../../format.ts";
import { pageOf } from "./described.ts";

/** Candidates x attacks, one table for each threat model and defence. */
export function heatmapView(results: Results) {
  return mainThreats(results).map((threat) => ({
    title: `${threat.id} (${budget(threat)})`,
    tables: results.defenses.flatMap((defense) => {
      const cells = results.cells.filter(
        (c) => c.threatModel.id === threat.id && c.defense === defense.id,
      );
      if (cells.length === 0) return [];
      const attacks = results.attacks
        .filter((a) => cells.some((c) => c.attack === a.id))
        .map((a) => a.id);
      const columns = attacks.flatMap((attack) => {
        const replayed = cells.some((c) => c.attack === attack && !c.adaptive);
        return replayed
          ? [
              { attack, adaptive: false },
              { attack, adaptive: true },
            ]
          : [{ attack, adaptive: true }];
      });
      return [
        {
          defense:
            defense.id === "none"
              ? "No defence"
              : `Defence: ${plain(defense.id)}`,
          columns: columns.map(({ attack, adaptive }) => ({
            name: plain(attack),
            note: adaptive
              ? defense.id !== "none" &&
                cells.some((c) => c.attack === attack && !c.adaptive)
                ? "adaptive"
                : ""
              : "as-is",
          })),
          rows: results.candidates.flatMap((candidate) => {
            const own = cells.filter((c) => c.candidate === candidate.id);
            if (own.length === 0) return [];
            const worst = results.worstCases.find(
              (w) =>
                w.candidate === candidate.id &&
                w.defense === defense.id &&
                w.threatModel === threat.id,
            );
            return [
              {
                candidate: plain(candidate.id),
                cells: columns.map(({ attack, adaptive }) =>
                  square(
                    own.find(
                      (c) => c.attack === attack && c.adaptive === adaptive,
                    ),
                  ),
                ),
                worst: worst?.evaluated
                  ? {
                      text: percent(worst.robustAccuracy.value),
                      tone: tone(worst.robustAccuracy.value),
                      untrusted: !worst.trusted,
                    }
                  : {
                      text: worst ? "not evaluated" : "n/a",
                      tone: "empty",
                      untrusted: false,
                    },
              },
            ];
          }),
        },
      ];
    }),
  }));
}

function square(cell: Cell | undefined) {
  if (!cell)
    return { text: "not run", tone: "empty", untrusted: false, id: "" };
  return {
    text: percent(cell.robustAccuracy.value),
    tone: tone(cell.robustAccuracy.value),
    untrusted: !cell.trusted,
    id: pageOf(cell.id),
  };
}
