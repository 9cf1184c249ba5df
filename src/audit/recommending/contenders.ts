import { type Counted, numbersOf } from "../comparing/index.ts";
import {
  type Contender,
  type LeftOutBecause,
  mainThreats,
  type Recommendation,
  type Results,
} from "../results/index.ts";
import { MAIN } from "../suite/index.ts";

/** What a recommendation looks at. */
export type Judged = Pick<
  Results,
  | "complete"
  | "candidates"
  | "defenses"
  | "cells"
  | "worstCases"
  | "crossTask"
  | "threatModels"
  | "missing"
  | "gate"
>;

/** A number of a contender, and of each sample whether it is good in it. */
export interface Measured {
  readonly value: Counted["rate"];
  readonly good: readonly boolean[];
}

/** A candidate behind a defence with its numbers, or with why it is left out. */
export interface Entry extends Contender {
  readonly task: string;
  /** Those of the task, in their order; empty where it is left out. */
  readonly numbers: readonly Measured[];
  readonly because: readonly LeftOutBecause[];
  /** Whether a rule of the gate is about it, and one about its robustness. */
  readonly isJudged: boolean;
  readonly isHeld: boolean;
}

/** Rules that say how robust is robust enough. */
const robust = /^(robustAccuracy|attackSuccess):/;

/** By what candidates are compared: clean, and robust at each budget of the suite. */
export const numbersCompared = (run: Judged): Recommendation["numbers"] => [
  { metric: "cleanAccuracy", threatModel: null },
  ...mainThreats(run).map(({ id }) => ({
    metric: "robustAccuracy" as const,
    threatModel: id,
  })),
];

/**
 * Every candidate behind every defence that was attacked, and every candidate as it is.
 * A candidate without a result is among them, and left out.
 */
export function entriesOf(run: Judged): Entry[] {
  const numbers = new Map(
    numbersOf(run)
      .filter(({ place }) => place.attack === null)
      .map((one) => [keyOf(one.place), one]),
  );
  const asked = numbersCompared(run);
  return run.candidates.flatMap(({ id, member }) =>
    run.defenses.flatMap((defense) => {
      const contender = { candidate: id, defense: defense.id };
      const own = asked.map((one) =>
        numbers.get(keyOf({ ...contender, ...one })),
      );
      const isThere = own.slice(1).some((one) => one !== undefined);
      const isLost = run.missing?.some(
        (one) => one.candidate === id && one.defense === defense.id,
      );
      if (!isThere && !isLost && defense.id !== "none") return [];
      const rules = run.gate.rules.filter(({ about = [] }) =>
        about.some((one) => isSame(one, contender)),
      );
      const because = new Set([
        ...(lacksResults(contender, run) ? (["missing"] as const) : []),
        ...rules.flatMap(({ verdict }) => reasonOf[verdict]),
        ...own.flatMap((one) => doubtOf(one, run)),
      ]);
      const isLeftOut = because.size > 0;
      return {
        ...contender,
        task: member?.task ?? MAIN,
        because: [...because],
        isJudged: rules.length > 0,
        isHeld: rules.some(({ rule }) => robust.test(rule)),
        numbers: isLeftOut
          ? []
          : own.map((one) => ({ value: one!.rate, good: goodIn(one!) })),
      };
    }),
  );
}

/** Candidates of the suite that have no result at all. */
export const withoutResult = ({ missing = [], candidates }: Judged) => [
  ...new Set(
    missing.flatMap(({ what, candidate, id }) =>
      what === "candidate" && !candidates.some((one) => one.id === id)
        ? (candidate ?? id)
        : [],
    ),
  ),
];

const keyOf = ({
  candidate,
  defense,
  metric,
  threatModel,
}: Omit<Counted["place"], "attack" | "adaptive">): string =>
  JSON.stringify([candidate, defense, metric, threatModel]);

const isSame = (
  one: { candidate: string; defense: string | null },
  { candidate, defense }: Contender,
): boolean =>
  one.candidate === candidate &&
  (one.defense === null || one.defense === defense);

const reasonOf: Readonly<
  Record<Results["gate"]["rules"][number]["verdict"], LeftOutBecause[]>
> = { passed: [], failed: ["gate failed"], inconclusive: ["gate open"] };

/** Why a number is none to compare by. */
function doubtOf(one: Counted | undefined, run: Judged): LeftOutBecause[] {
  if (!one?.fates) return ["not attacked"];
  if (one.trusted) return [];
  const { candidate, defense, metric, threatModel } = one.place;
  if (metric === "cleanAccuracy") return ["guesses"];
  const worst = run.worstCases.find(
    (w) =>
      w.candidate === candidate &&
      w.defense === defense &&
      w.threatModel === threatModel,
  );
  return [worst?.evaluated === false ? "not evaluated" : "not trusted"];
}

/**
 * Whether attacks on it have no result, or on another head of its trunk, whose
 * examples it would have been given.
 */
function lacksResults(
  { candidate, defense }: Contender,
  { missing = [], candidates }: Judged,
): boolean {
  const trunkOf = (id: string | undefined) =>
    candidates.find((one) => one.id === id)?.member?.of;
  const trunk = trunkOf(candidate);
  return missing.some(
    (one) =>
      (one.what === "cell" || one.what === "heads") &&
      (one.candidate === candidate ||
        (trunk !== undefined && trunkOf(one.candidate) === trunk)) &&
      (one.defense === undefined ||
        one.defense === "none" ||
        one.defense === defense),
  );
}

const goodIn = ({ fates }: Counted): boolean[] =>
  fates!.map((fate) => fate === "robust" || fate === "right");
