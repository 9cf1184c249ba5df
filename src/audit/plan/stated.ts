import type { Attack } from "#attacks";
import type { Results } from "../results/index.ts";
import { type Suite, unitResult } from "../suite/index.ts";
import { budgetsOf } from "./cells.ts";

/**
 * What the suite states of attackers, attacks, defences and repairs, in the
 * results document.
 */
export function statedResult(
  suite: Suite,
): Pick<
  Results,
  "threatModels" | "defenses" | "attacks" | "trialAttacks" | "repairs"
> {
  return {
    threatModels: budgetsOf(suite),
    defenses: [
      { id: "none", parts: [] },
      ...Object.entries(suite.defenses).map(([id, parts]) => ({
        id,
        parts: parts.map(unitResult),
      })),
    ],
    attacks: Object.entries(suite.attacks).map(([id, chosen]) => {
      const { access, family } = chosen.unit;
      return {
        ...unitResult(chosen),
        id,
        access,
        family,
        taxonomy: taxonomyResult(chosen.unit),
      };
    }),
    trialAttacks: Object.entries(suite.trials).map(([id, { attack }]) => ({
      ...unitResult(attack),
      id,
      attack: attack.unit.id,
      kind: attack.unit.kind,
      threat: attack.unit.threat,
      taxonomy: taxonomyResult(attack.unit),
    })),
    repairs: [
      { id: "none", parts: [] },
      ...Object.entries(suite.repairs).map(([id, parts]) => ({
        id,
        parts: parts.map(unitResult),
      })),
    ],
  };
}

/** The ids of a unit in public taxonomies. */
function taxonomyResult({ taxonomy }: Pick<Attack, "taxonomy">) {
  const { atlas, owasp, nist } = taxonomy;
  return { atlas: [...atlas], owasp: [...owasp], nist: [...nist] };
}
