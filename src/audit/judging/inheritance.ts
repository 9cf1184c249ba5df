import { counts } from "../counting.ts";
import type {
  CandidateResult,
  Cell,
  CrossTask,
  Inheritance,
  WorstCase,
} from "../results/index.ts";
import { mcnemar, pairedRatio, pairsOf } from "../statistics/index.ts";
import { MAIN } from "../suite/index.ts";
import {
  type CellGroup,
  groupCells,
  replaysOn,
  requirePaired,
  robustInAll,
} from "./worst-case.ts";

/** Which candidate stands for the base. */
export type Reference = Pick<Inheritance, "reference" | "referenceIs">;

/**
 * For each candidate, and each attack and all at once: which samples are as
 * robust as in what it was tuned from, which lost it and which gained it. That
 * is the base where it is a candidate (`model: base`), otherwise a candidate that
 * has the base's body behind a head of its own. Where the suite has neither, or
 * a model that was given does not descend from the base, there is nothing to
 * compare with. From cells alone.
 *
 * @param crossTask attacks through the heads of other tasks, which are
 *   among all at once
 */
export function inheritance(
  cells: readonly Cell[],
  worst: readonly WorstCase[],
  candidates: readonly CandidateResult[],
  base: { readonly hash: string } | null,
  crossTask: readonly CrossTask[] = [],
): Inheritance[] {
  const groups = groupCells(cells.filter(counts));
  return candidates.flatMap((candidate) => {
    const reference = referenceOf(candidate, candidates, base);
    return reference
      ? comparisons(candidate.id, reference, groups, worst, crossTask)
      : [];
  });
}

/**
 * Which candidate of the same task stands for the base beside another; undefined where
 * none does, or it is that one.
 */
export function referenceOf(
  candidate: CandidateResult,
  candidates: readonly CandidateResult[],
  base: { readonly hash: string } | null,
): Reference | undefined {
  if (!base || !descends(candidate)) return undefined;
  const alike = candidates.filter((c) => taskOf(c) === taskOf(candidate));
  const bases = alike.filter((c) => c.hash === base.hash);
  const bodies = alike.filter(hasBodyOfBase);
  const index = candidate.replica?.index;
  const of = bases.length > 0 ? bases : bodies;
  // One that nothing else was done to, and of the same seed, where there is one.
  const found =
    of.find((c) => isPlain(c) && c.replica?.index === index) ??
    of.find(isPlain) ??
    of[0];
  if (!found || found.id === candidate.id) return undefined;
  return {
    reference: found.id,
    referenceIs: bases.length > 0 ? "base" : "base with a new head",
  };
}

const taskOf = ({ member }: CandidateResult) => member?.task ?? MAIN;

const isPlain = ({ training, adaptation }: CandidateResult) =>
  !training && !adaptation;

/**
 * Weights that were tuned from the base's still point their way; independent ones are
 * at right angles to them.
 */
const KIN = 0.5;

/**
 * Whether a candidate comes from the base, as this run made it or as its weights say.
 */
const descends = ({ lineage, kinship }: CandidateResult): boolean =>
  lineage !== null ||
  !kinship ||
  kinship.some((k) => k.relation === "same" || (k.cosine ?? 0) > KIN);

/**
 * Whether all weights are the base's but those of the head: what the base does not
 * have, at the end, or the last layer group.
 */
function hasBodyOfBase({ kinship }: CandidateResult): boolean {
  const groups = [...(kinship ?? [])];
  if (groups.at(-1)?.relation !== "new") groups.pop();
  while (groups.at(-1)?.relation === "new") groups.pop();
  return groups.length > 0 && groups.every((k) => k.relation === "same");
}

/** Each attack and all at once, behind each defence and under each threat model. */
function comparisons(
  candidate: string,
  { reference, referenceIs }: Reference,
  groups: readonly CellGroup[],
  worst: readonly WorstCase[],
  crossTask: readonly CrossTask[],
): Inheritance[] {
  return groups.flatMap(({ defense, threatModel, byCandidate }) => {
    const own = byCandidate.get(candidate) ?? [];
    const its = byCandidate.get(reference) ?? [];
    const pairs = own.flatMap((cell) => {
      const twin = its.find((c) => c.attack === cell.attack);
      return twin ? [{ cell, twin }] : [];
    });
    if (pairs.length === 0) return [];
    const believed = (id: string) =>
      worst.find(
        (w) =>
          w.candidate === id &&
          w.defense === defense &&
          w.threatModel === threatModel,
      )?.trusted === true;
    const place = { candidate, reference, referenceIs, defense, threatModel };
    return [
      {
        ...place,
        attack: null,
        ...compare(
          pairs,
          replaysOn(crossTask, candidate, defense, threatModel),
          replaysOn(crossTask, reference, defense, threatModel),
        ),
        trusted: believed(candidate) && believed(reference),
      },
      ...pairs.map((pair) => ({
        ...place,
        attack: pair.cell.attack,
        ...compare([pair]),
        trusted: pair.cell.trusted && pair.twin.trusted,
      })),
    ];
  });
}

/** @param replays on either of the two, through the heads of other tasks */
function compare(
  pairs: readonly { cell: Cell; twin: Cell }[],
  ...replays: readonly (readonly CrossTask[])[]
) {
  const first = robustInAll(
    pairs.map(({ cell }) => cell),
    replays[0],
  );
  const second = robustInAll(
    pairs.map(({ twin }) => twin),
    replays[1],
  );
  requirePaired(pairs[0]?.cell as Cell, pairs[0]?.twin as Cell);
  const found = pairsOf(first, second);
  const ends = pairedRatio(found);
  return {
    inherited: found.both,
    lost: found.onlySecond,
    gained: found.onlyFirst,
    neither: found.neither,
    pValue: mcnemar(found.onlyFirst, found.onlySecond),
    retained: ends && {
      value: (found.both + found.onlyFirst) / (found.both + found.onlySecond),
      ...ends,
    },
  };
}
