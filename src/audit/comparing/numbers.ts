import { counts, UNDEFENDED } from "../counting.ts";
import { replaysOn } from "../judging/index.ts";
import {
  type Cell,
  type Compared,
  type Flip,
  fatesOf,
  type Rate,
  type Results,
  rightOf,
  robustInEach,
  type WorstCase,
} from "../results/index.ts";
import { isGuessed } from "../trust/index.ts";

/** What became of a sample, as far as a number counts it. */
export type Fate = Flip["was"];

/** A number of a run, sample by sample. */
export interface Counted {
  readonly key: string;
  readonly place: Pick<
    Compared,
    "metric" | "candidate" | "defense" | "attack" | "threatModel" | "adaptive"
  >;
  readonly rate: Rate;
  /** Null where no cell shows the samples. */
  readonly fates: readonly Fate[] | null;
  readonly trusted: boolean;
  /** The cells that it is made of. */
  readonly cells: readonly Cell[];
  /** What else it is made of: the heads of other tasks. */
  readonly through: readonly string[];
  /** How many of how many samples were attacked, where the gate was decided by them. */
  readonly decided?: { readonly attacked: number; readonly of: number };
}

/** What numbers are made of. */
type Run = Pick<
  Results,
  "candidates" | "cells" | "worstCases" | "crossTask" | "decisions"
>;

/** Clean accuracies, worst cases and cells of a run, in this order. */
export const numbersOf = (run: Run): Counted[] => [
  ...cleanNumbers(run),
  ...run.worstCases.map((worst) => worstNumber(worst, run)),
  ...run.cells.map(cellNumber),
];

/** Of each candidate as it is, and behind each defence. */
function cleanNumbers({ candidates, cells, decisions = [] }: Run): Counted[] {
  return candidates.flatMap((candidate) => {
    const isOwn = (one: Pick<Cell, "candidate">) =>
      one.candidate === candidate.id;
    const own = cells.filter(isOwn);
    const early = decisions.filter(isOwn);
    const behind = [...own, ...early]
      .map(({ defense }) => defense)
      .filter((defense) => defense !== UNDEFENDED);
    return [UNDEFENDED, ...new Set(behind)].map((defense) => {
      const there = own.filter((cell) => cell.defense === defense);
      const decided = early.filter((one) => one.defense === defense);
      const [shown] = [...there, ...decided];
      const right = there[0]?.outcomes ?? decided[0]?.clean;
      const attacks = [...there, ...decided.flatMap((one) => one.cells)];
      const isGuess =
        attacks.some(({ checks }) => isGuessed(checks)) ||
        (defense === UNDEFENDED && candidate.guesses === true);
      return numbered({
        place: {
          metric: "cleanAccuracy",
          candidate: candidate.id,
          defense,
          attack: null,
          threatModel: null,
          adaptive: null,
        },
        rate: shown?.cleanAccuracy ?? candidate.cleanAccuracy,
        fates:
          right === undefined
            ? null
            : rightOf(right).map((isRight) => (isRight ? "right" : "wrong")),
        trusted: !isGuess,
        // What the attacks of these cells did plays no part.
        cells: [],
        through: [],
      });
    });
  });
}

function worstNumber(worst: WorstCase, { cells, crossTask }: Run): Counted {
  const { candidate, defense, threatModel, robustAccuracy } = worst;
  const own = cells.filter(
    (cell) =>
      counts(cell) &&
      cell.candidate === candidate &&
      cell.defense === defense &&
      cell.threatModel.id === threatModel,
  );
  const replays = replaysOn(crossTask ?? [], candidate, defense, threatModel);
  const all = [...own, ...replays].map(({ outcomes }) => outcomes);
  const wrong = fatesOf(own[0]?.outcomes ?? "").map((fate) => fate === "wrong");
  return numbered({
    place: {
      metric: "robustAccuracy",
      candidate,
      defense,
      attack: null,
      threatModel,
      adaptive: null,
    },
    rate: robustAccuracy,
    fates:
      own.length === 0
        ? null
        : robustInEach(all).map((isRobust, i) =>
            isRobust ? "robust" : wrong[i] ? "wrong" : "broken",
          ),
    trusted: worst.trusted && worst.evaluated,
    cells: own,
    through: worst.through ?? [],
  });
}

export const cellNumber = (cell: Cell): Counted =>
  numbered({
    place: {
      metric: "robustAccuracy",
      candidate: cell.candidate,
      defense: cell.defense,
      attack: cell.attack,
      threatModel: cell.threatModel.id,
      adaptive: cell.defense === UNDEFENDED ? null : cell.adaptive,
    },
    rate: cell.robustAccuracy,
    fates: fatesOf(cell.outcomes).map((fate) =>
      fate === "absent" ? "wrong" : fate,
    ),
    trusted: cell.trusted,
    cells: [cell],
    through: [],
  });

export const numbered = (number: Omit<Counted, "key">): Counted => ({
  ...number,
  key: JSON.stringify(Object.values(number.place)),
});
