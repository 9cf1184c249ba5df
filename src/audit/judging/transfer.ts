import { type AnyAttack, surrogateOf } from "#attacks";
import type { Chosen } from "#core";
import { UNDEFENDED } from "../counting.ts";
import {
  type CandidateResult,
  type Cell,
  fatesOf,
  type MissingResult,
  type Transfer,
} from "../results/index.ts";
import { mcnemar, pairsOf, tango } from "../statistics/index.ts";
import { describe } from "../suite/index.ts";
import { idsOf, lostAttacks } from "./lacking.ts";

type Attacks = Readonly<Record<string, Chosen<AnyAttack>>>;

/**
 * How well each attack through the base carries over to the undefended
 * candidates, against the share of their weights that are the base's, with the
 * same attack through an unrelated model and noise of the same size as controls
 * on the same samples. None where the suite has no such attack.
 *
 * @param missing what was planned and has no result: each says what it is without
 */
export function transfers(
  cells: readonly Cell[],
  candidates: readonly CandidateResult[],
  attacks: Attacks,
  missing: readonly MissingResult[] = [],
): Transfer[] {
  const undefended = cells.filter((c) => c.defense === UNDEFENDED);
  return Object.entries(attacks)
    .filter(([, chosen]) => surrogateOf(chosen) === "base")
    .flatMap(([attack, chosen]) => {
      const controls = controlsOf(chosen, attacks);
      const involved = [attack, controls.unrelated, controls.noise];
      const own = undefended.filter((c) => c.attack === attack);
      return [...new Set(own.map((c) => c.threatModel.id))].map((threatModel) =>
        transferOf(
          { attack, threatModel, controls },
          undefended.filter((c) => c.threatModel.id === threatModel),
          candidates,
          lostAttacks(missing).filter(
            (one) =>
              one.defense === UNDEFENDED &&
              one.threatModel === threatModel &&
              involved.includes(one.attack ?? null),
          ),
        ),
      );
    })
    .filter(({ points }) => points.length > 0);
}

/** The attack that is the same but goes through an unrelated model, and noise. */
function controlsOf(
  chosen: Chosen<AnyAttack>,
  attacks: Attacks,
): Transfer["controls"] {
  const named = (test: (other: Chosen<AnyAttack>) => boolean) =>
    Object.entries(attacks).find(([, other]) => test(other))?.[0] ?? null;
  const through = ({ unit, params }: Chosen<AnyAttack>) =>
    JSON.stringify(
      describe({ unit, params: { ...params, surrogate: undefined } }),
    );
  return {
    unrelated: named(
      (other) =>
        surrogateOf(other) === "unrelated" &&
        through(other) === through(chosen),
    ),
    noise: named((other) => other.unit.family === "control"),
  };
}

function transferOf(
  what: Omit<Transfer, "points" | "missing">,
  cells: readonly Cell[],
  candidates: readonly CandidateResult[],
  lost: readonly MissingResult[],
): Transfer {
  const points = candidates.flatMap(({ id, kinship }) => {
    const of = (attack: string | null) =>
      cells.find((c) => c.candidate === id && c.attack === attack);
    const own = of(what.attack);
    if (!kinship || !own?.attackSuccess) return [];
    const unrelated = of(what.controls.unrelated);
    const noise = of(what.controls.noise);
    return [
      {
        candidate: id,
        sharedWeights: share(kinship, ({ size }) => size),
        sharedGroups: share(kinship, () => 1),
        success: own.attackSuccess,
        unrelated: unrelated?.attackSuccess ?? null,
        noise: noise?.attackSuccess ?? null,
        overUnrelated: unrelated ? excess(own, unrelated) : null,
        overNoise: noise ? excess(own, noise) : null,
        trusted: [own, unrelated, noise].every((c) => c?.trusted ?? true),
      },
    ];
  });
  return {
    ...what,
    points: points.toSorted((a, b) => a.sharedWeights - b.sharedWeights),
    missing: idsOf(lost),
  };
}

type Kin = NonNullable<CandidateResult["kinship"]>[number];

/** The share of a model whose weights are the base's. */
function share(kinship: readonly Kin[], weight: (kin: Kin) => number): number {
  const sum = (kin: readonly Kin[]) =>
    kin.reduce((total, k) => total + weight(k), 0);
  const all = sum(kinship);
  return all > 0 ? sum(kinship.filter((k) => k.relation === "same")) / all : 0;
}

/** The success of one cell less that of another, of the same candidate and samples. */
function excess(own: Cell, control: Cell) {
  const sides = [fatesOf(own.outcomes), fatesOf(control.outcomes)] as const;
  const attacked = Array.from(sides[0].keys()).filter((i) =>
    sides.every((side) => side[i] === "robust" || side[i] === "broken"),
  );
  const [first, second] = sides.map((side) =>
    attacked.map((i) => side[i] === "broken"),
  ) as [boolean[], boolean[]];
  const pairs = pairsOf(first, second);
  const { onlyFirst: only, onlySecond: missed } = pairs;
  return {
    difference: (only - missed) / attacked.length,
    ...tango(pairs),
    only,
    missed,
    pValue: mcnemar(only, missed),
  };
}
