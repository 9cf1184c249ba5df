import type { Family } from "#attacks";
import { counts } from "../counting.ts";
import type { Cell, Domain } from "../results/index.ts";
import { newcombe, pairsOf, rate, tango } from "../statistics/index.ts";
import { groupCells, robustInAll, worstCases } from "./worst-case.ts";

/**
 * Robust accuracy on the target domain beside that on the source domain, where a
 * candidate may have lost it, against the same attacks.
 *
 * @param cells those of the target; only those that were computed on the source as
 *   well are compared
 */
export function domains(
  cells: readonly Cell[],
  source: readonly Cell[],
  paired: boolean,
  candidates: readonly string[],
  families: ReadonlyMap<string, Family>,
): Domain[] {
  const placeOf = ({ candidate, defense, attack, threatModel }: Cell) =>
    JSON.stringify([candidate, defense, attack, threatModel.id]);
  const places = new Set(source.map(placeOf));
  const target = cells.filter((c) => counts(c) && places.has(placeOf(c)));
  return compare({ target, source }, paired, candidates, families);
}

/** Both sides of each attack and of all at once. */
export function compare(
  sides: { readonly target: readonly Cell[]; readonly source: readonly Cell[] },
  paired: boolean,
  candidates: readonly string[],
  families: ReadonlyMap<string, Family>,
): Domain[] {
  const groups = {
    target: groupCells(sides.target),
    source: groupCells(sides.source),
  };
  const worst = {
    target: worstCases(sides.target, candidates, families),
    source: worstCases(sides.source, candidates, families),
  };
  return candidates.flatMap((candidate) =>
    groups.target.flatMap(({ defense, threatModel, byCandidate }) => {
      const own = byCandidate.get(candidate) ?? [];
      const its =
        groups.source
          .find((g) => g.defense === defense && g.threatModel === threatModel)
          ?.byCandidate.get(candidate) ?? [];
      const pairs = own.flatMap((cell) => {
        const twin = its.find((c) => c.attack === cell.attack);
        return twin ? [{ cell, twin }] : [];
      });
      if (pairs.length === 0) return [];
      const isBelieved = (side: "target" | "source") =>
        worst[side].some(
          (w) =>
            w.candidate === candidate &&
            w.defense === defense &&
            w.threatModel === threatModel &&
            w.trusted,
        );
      const place = { candidate, defense, threatModel, paired };
      return [
        {
          ...place,
          attack: null,
          ...measured(pairs, paired),
          trusted: isBelieved("target") && isBelieved("source"),
        },
        ...pairs.map((pair) => ({
          ...place,
          attack: pair.cell.attack,
          ...measured([pair], paired),
          trusted: pair.cell.trusted && pair.twin.trusted,
        })),
      ];
    }),
  );
}

/** Rates of both sides, and their difference. */
function measured(
  pairs: readonly { cell: Cell; twin: Cell }[],
  paired: boolean,
): Pick<Domain, "target" | "source" | "difference"> {
  const side = (cells: readonly Cell[]) => {
    const robust = robustInAll(cells);
    return {
      robust,
      rates: {
        cleanAccuracy: cells[0]!.cleanAccuracy,
        robustAccuracy: rate(robust.filter(Boolean).length, robust.length),
      },
    };
  };
  const target = side(pairs.map(({ cell }) => cell));
  const source = side(pairs.map(({ twin }) => twin));
  const [here, there] = [target, source].map((s) => s.rates.robustAccuracy);
  if (!here || !there) throw new Error("two sides have two rates");
  return {
    target: target.rates,
    source: source.rates,
    difference: {
      value: here.value - there.value,
      ...(paired
        ? tango(pairsOf(target.robust, source.robust))
        : newcombe(here, there)),
    },
  };
}
