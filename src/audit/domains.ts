import type { Family } from "#attacks";
import { type Attacking, attackAll } from "./attacking.ts";
import { counts } from "./counting.ts";
import type { PlannedCell } from "./plan.ts";
import type { PreparedData } from "./prepare.ts";
import type { Cell, Domain } from "./results.ts";
import { newcombe, newcombePaired, pairsOf, rate } from "./statistics.ts";
import type { Suite } from "./suite.ts";
import { MAIN } from "./tasks.ts";
import { groupCells, robustInAll, worstCases } from "./worst-case.ts";

/**
 * Robust accuracy on the target domain beside that on the source domain, where a
 * candidate may have lost it: the same attacks under the threat models of the
 * suite, on as many test samples of the source. Only the suite's own task has
 * labels there. The cells of the source are computed and judged as any other.
 *
 * @param cells those of the target
 */
export async function domains(
  plan: readonly PlannedCell[],
  cells: readonly Cell[],
  attacking: Attacking,
  { sourceAttacked }: PreparedData,
  suite: Suite,
  families: ReadonlyMap<string, Family>,
): Promise<Domain[]> {
  if (!sourceAttacked) return [];
  const planned = onSource(plan, suite);
  attacking.onEvent({ kind: "phase", title: "Attacking the source domain" });
  const found = await attackAll(
    planned.map((p) => ({ ...p, id: `${p.id} on the source` })),
    {
      ...attacking,
      benchOf: (id) => ({ ...attacking.benchOf(id), data: sourceAttacked }),
    },
  );
  const chosen = new Set(planned.map((p) => p.id));
  const sides = {
    target: cells.filter((c) => chosen.has(c.id)),
    source: found.cells,
  };
  // A shift keeps the samples and their order; other data are other samples.
  const paired = suite.sourceData === undefined;
  return compare(sides, paired, [...attacking.models.keys()], families);
}

/** The cells that are computed on the source domain as well. */
export function onSource(
  plan: readonly PlannedCell[],
  { candidates, threatModels }: Suite,
): PlannedCell[] {
  const taskOf = (id: string) => candidates[id]?.member?.task ?? MAIN;
  return plan.filter(
    (p) =>
      counts(p) &&
      taskOf(p.candidate) === MAIN &&
      p.threatModel in threatModels,
  );
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
        cleanAccuracy: (cells[0] as Cell).cleanAccuracy,
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
        ? newcombePaired(pairsOf(target.robust, source.robust))
        : newcombe(here, there)),
    },
  };
}
