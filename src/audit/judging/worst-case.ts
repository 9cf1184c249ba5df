import type { Family } from "#attacks";
import { AssayError } from "#core";
import { counts, UNDEFENDED } from "../counting.ts";
import {
  type Cell,
  type Check,
  type CrossTask,
  fatesOf,
  robustInEach,
  samplesThatAre,
  type WorstCase,
} from "../results/index.ts";
import { mcnemar, pairsOf, rate } from "../statistics/index.ts";
import { isVoid } from "../trust/index.ts";

/**
 * The robust accuracy of each candidate under each defence and threat model
 * against all attacks at once: a sample is robust only if it is so in every
 * cell that counts. See `isBelieved` for when it is trusted. Throws
 * CELLS_UNPAIRED when two cells are not of the same samples.
 *
 * @param families of the attacks, by their ids
 * @param taskOf the task of a candidate; only those of one task are compared
 * @param crossTask attacks through other heads: the worst task decides, so a sample is
 *   robust only if none of them breaks it either
 */
export function worstCases(
  cells: readonly Cell[],
  candidates: readonly string[],
  families: ReadonlyMap<string, Family>,
  taskOf: (candidate: string) => string = () => "",
  crossTask: readonly CrossTask[] = [],
): WorstCase[] {
  const groups = groupCells(cells.filter(counts));
  return candidates.flatMap((candidate) => {
    const first = candidates.find((c) => taskOf(c) === taskOf(candidate));
    return groups.flatMap(({ defense, threatModel, byCandidate }) => {
      const own = byCandidate.get(candidate);
      if (!own) return [];
      const replays = (id: string) =>
        replaysOn(crossTask, id, defense, threatModel);
      const through = [...new Set(replays(candidate).map((r) => r.through))];
      const robust = robustInAll(own, replays(candidate));
      const against =
        first !== undefined && candidate !== first
          ? byCandidate.get(first)
          : undefined;
      return [
        {
          candidate,
          defense,
          threatModel,
          attacks: [...new Set(own.map(({ attack }) => attack))],
          through: through.length > 0 ? through : undefined,
          robustAccuracy: rate(robust.filter(Boolean).length, robust.length),
          trusted: isBelieved(own, replays(candidate), cells, families),
          evaluated: isEvaluated(own, families),
          comparison: against
            ? compare(
                robust,
                robustInAll(against, replays(first as string)),
                own,
                against,
              )
            : null,
        },
      ];
    });
  });
}

/**
 * Whether these cells say how robust a defence is: one of the attacks was made
 * against it, and not without looking at it, as noise and transfer are.
 */
function isEvaluated(
  cells: readonly Cell[],
  families: ReadonlyMap<string, Family>,
): boolean {
  return cells.some(
    ({ defense, adaptive, attack, threatModel }) =>
      defense === UNDEFENDED ||
      (adaptive &&
        threatModel.access !== "base" &&
        !blind.includes(families.get(attack))),
  );
}

const blind: readonly (Family | undefined)[] = [
  "control",
  "corruption",
  "transfer",
];

/**
 * Whether a worst case may be believed: every cell, and every attack on all heads at
 * once, is trusted, or a search by gradients (of texts, and of models without a
 * gradient, by queries) is that broke at least as much as any that is not, on the same
 * samples. What a weak attack missed
 * does not matter where a strong one was at work, unless the weak one cheated.
 */
function isBelieved(
  own: readonly Cell[],
  replays: readonly CrossTask[],
  cells: readonly Cell[],
  families: ReadonlyMap<string, Family>,
): boolean {
  const cheated = [
    ...own.map((c) => c.checks),
    ...checksOfReplays(replays, cells),
  ].some(isVoid);
  if (cheated) return false;
  const isBlind = own.some((cell) => cell.noGradient !== undefined);
  const strong = own.filter(
    (cell) =>
      cell.trusted && searches(cell, families.get(cell.attack), isBlind),
  );
  const doubtful = [...own, ...replays.filter((r) => r.checks)].filter(
    (one) => !one.trusted,
  );
  return doubtful.every(({ outcomes }) => {
    const fates = fatesOf(outcomes);
    const standing = (all: string) =>
      samplesThatAre(all, "robust").filter((i) => fates[i] !== "absent").length;
    return strong.some((cell) => standing(cell.outcomes) <= standing(outcomes));
  });
}

/** What the attacks were judged by whose examples were replayed. */
export const checksOfReplays = (
  replays: readonly CrossTask[],
  cells: readonly Cell[],
): (readonly Check[])[] =>
  replays.map(
    (r) =>
      r.checks ??
      cells.find(
        (c) =>
          counts(c) &&
          c.candidate === r.through &&
          c.defense === r.defense &&
          c.attack === r.attack &&
          c.threatModel.id === r.threatModel,
      )?.checks ??
      [],
  );

const searches = (
  { threatModel: { access, norm } }: Cell,
  family: Family | undefined,
  isBlind: boolean,
): boolean =>
  norm === "edits" || (isBlind && family === "query")
    ? family === "query"
    : access === "gradient" &&
      (family === "iterative" || family === "minimum-norm");

/** The cells of a defence and threat model. */
export interface CellGroup {
  defense: string;
  threatModel: string;
  byCandidate: Map<string, Cell[]>;
}

export function groupCells(cells: readonly Cell[]): CellGroup[] {
  const groups = new Map<string, CellGroup>();
  for (const cell of cells) {
    const { candidate, defense } = cell;
    const threatModel = cell.threatModel.id;
    const key = JSON.stringify([defense, threatModel]);
    const group = groups.get(key) ?? {
      defense,
      threatModel,
      byCandidate: new Map<string, Cell[]>(),
    };
    groups.set(key, group);
    const own = group.byCandidate.get(candidate) ?? [];
    group.byCandidate.set(candidate, [...own, cell]);
  }
  return [...groups.values()];
}

/**
 * Of each sample, whether it is robust in every cell, and in every replay of examples
 * of other tasks that has it.
 */
export function robustInAll(
  cells: readonly Cell[],
  replays: readonly CrossTask[] = [],
): boolean[] {
  for (const cell of cells) requirePaired(cells[0]!, cell);
  return robustInEach([...cells, ...replays].map(({ outcomes }) => outcomes));
}

function compare(
  here: readonly boolean[],
  there: readonly boolean[],
  own: readonly Cell[],
  against: readonly Cell[],
): NonNullable<WorstCase["comparison"]> {
  requirePaired(own[0]!, against[0]!);
  const { onlyFirst: gained, onlySecond: lost } = pairsOf(here, there);
  return {
    against: against[0]!.candidate,
    difference: (gained - lost) / here.length,
    gained,
    lost,
    pValue: mcnemar(gained, lost),
  };
}

/**
 * What was made through the heads of other tasks, and broke or did not
 * break this candidate.
 */
export const replaysOn = (
  all: readonly CrossTask[],
  candidate: string,
  defense: string,
  threatModel: string,
): CrossTask[] =>
  all.filter(
    (r) =>
      r.candidate === candidate &&
      r.through !== candidate &&
      r.defense === defense &&
      r.threatModel === threatModel,
  );

/** Throws CELLS_UNPAIRED where two cells are not of as many samples. */
export function requirePaired(one: Cell, other: Cell): void {
  if (one.outcomes.length === other.outcomes.length) return;
  throw new AssayError(
    "CELLS_UNPAIRED",
    `the cell ${one.id} has ${one.outcomes.length} samples and ${other.id} has ${other.outcomes.length}, expected the same samples`,
    "Run both cells again on the same data.",
  );
}
