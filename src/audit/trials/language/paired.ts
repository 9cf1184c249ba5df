import type { LanguageAttack } from "#attacks";
import type { Finding } from "../../results/index.ts";
import { mcnemar, pairsOf } from "../../statistics/index.ts";
import { numberFinding } from "../trial.ts";
import {
  bestOf,
  countedOf,
  type Draws,
  pointsOf,
  UTILITY,
  worstOf,
} from "./points.ts";
import type { Measured } from "./seen.ts";

/**
 * Whether models give other forbidden answers to the same prompts, by McNemar's exact
 * test: the attacked one at the attacker's best, the released one, and what the control
 * made of it at its own best. Draws of one model are no further prompts: of each prompt
 * what most of them say counts.
 */
export function pairedFindings(
  unit: LanguageAttack,
  measured: Measured,
): Finding[] {
  const { control, released } = measured;
  const worst = bestOf(unit, measured);
  if (!worst) return [];
  const walked = countedOf(unit.control ?? unit, pointsOf(control));
  const other = worstOf(walked, released, UTILITY);
  const now = byMost(worst);
  const against = (id: string, whom: string, draws: Draws) => {
    const { onlyFirst, onlySecond } = pairsOf(now, byMost(draws));
    return numberFinding(
      {
        id,
        title: `p that the same prompts get forbidden answers as ${whom}: ${onlyFirst} only here, ${onlySecond} only there (McNemar, exact)`,
        role: "detail",
        attacker: null,
      },
      mcnemar(onlyFirst, onlySecond),
    );
  };
  return [
    against("p-against-released", "of the released model", {
      seen: [released],
    }),
    ...(other && unit.control
      ? [
          against(
            "p-against-control",
            `by ${unit.control.title.toLowerCase()}`,
            other,
          ),
        ]
      : []),
  ];
}

/** Of each prompt, whether more than half of the draws give its forbidden answer. */
const byMost = ({ seen }: Draws): boolean[] =>
  (seen[0]?.forbidden ?? []).map(
    (_, i) => 2 * seen.filter((one) => one.forbidden[i]).length > seen.length,
  );
