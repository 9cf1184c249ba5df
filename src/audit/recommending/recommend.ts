import type { Recommendation } from "../results/index.ts";
import { MAIN } from "../suite/index.ts";
import { type Shown, shownAmong } from "./better.ts";
import {
  type Entry,
  entriesOf,
  type Judged,
  numbersCompared,
  withoutResult,
} from "./contenders.ts";
import { sentencesOf } from "./words.ts";

/** How often anything is called better where nothing is. */
const LEVEL = 0.05;

/**
 * Which candidate of each task to take, with or without a defence. Only those are
 * compared that every rule about them passes and whose numbers are all trusted. One is
 * recommended where it is shown to be better than each of the others in at least one
 * number, and none of them better than it in any; a defence that is not shown to be
 * better than none is set aside first. See docs/report.md. The order of the
 * candidates changes nothing but the order of what is listed.
 *
 * @returns undefined for a partial run, which decides nothing
 */
export function recommend(run: Judged): Recommendation[] | undefined {
  if (!run.complete) return undefined;
  const entries = entriesOf(run);
  const tasks = [...new Set(entries.map(({ task }) => task))];
  const inTask = (task: string) => entries.filter((one) => one.task === task);
  const shown = shownAmong(
    tasks.map((task) => inTask(task).filter(isCompared)),
    LEVEL,
  );
  return (tasks.length > 0 ? tasks : [MAIN]).map((task) =>
    ofTask(task, inTask(task), shown, run),
  );
}

const isCompared = ({ because }: Entry): boolean => because.length === 0;

function ofTask(
  task: string,
  entries: readonly Entry[],
  shown: Shown,
  run: Judged,
): Recommendation {
  const compared = entries.filter(isCompared);
  const numbers = numbersCompared(run);
  const isBetter = (one: Entry, other: Entry) =>
    numbers.some((_, i) => shown.betterIn(one, other, i));
  const beats = (one: Entry, other: Entry) =>
    isBetter(one, other) && !isBetter(other, one);
  const isIdle = (one: Entry) =>
    one.defense !== "none" &&
    compared.some(
      (plain) =>
        plain.candidate === one.candidate &&
        plain.defense === "none" &&
        !beats(one, plain),
    );
  const contest = compared.filter((one) => !isIdle(one));
  const front = contest.filter(
    (one) => !compared.some((other) => beats(other, one)),
  );
  const best = contest.find(
    (one) =>
      contest.every((other) => other === one || beats(one, other)) &&
      !compared.some((other) => isBetter(other, one)),
  );
  const isAlone = contest.length === 1;
  const take = best && (!isAlone || best.isHeld) ? best : null;
  const leftOut = [
    ...entries
      .filter((one) => !isCompared(one))
      .map((one) => ({ ...placeOf(one), because: [...one.because] })),
    ...compared
      .filter(isIdle)
      .map((one) => ({ ...placeOf(one), because: ["no gain" as const] })),
    // Of which task it would have been, nobody knows any more.
    ...withoutResult(run).map((candidate) => ({
      candidate,
      defense: "none",
      because: ["missing" as const],
    })),
  ];
  const kind = take
    ? isAlone
      ? "only"
      : "better"
    : contest.length > 1
      ? "undecided"
      : "none";
  return {
    task,
    kind,
    take: take && placeOf(take),
    sentences: sentencesOf({
      kind,
      take,
      contest,
      front,
      numbers,
      leftOut,
      shown,
      hasGate: run.gate.rules.length > 0,
    }),
    front: front.map(placeOf),
    numbers,
    samples: compared[0]?.numbers[0]?.good.length ?? 0,
    leftOut,
    tests: shown.tests,
    level: LEVEL,
  };
}

const placeOf = ({ candidate, defense }: Entry) => ({ candidate, defense });
