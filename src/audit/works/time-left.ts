import { type Costs, sortsOf } from "./costs.ts";
import type { Schedule } from "./schedule.ts";
import { type SortSoFar, secondsLeft } from "./seconds-left.ts";
import type { Work } from "./work.ts";

/** A work that runs, on a clock of seconds. */
export interface Underway {
  readonly since: number;
  /** How far it said last that it is, above 0 and below 1, and when. */
  readonly said?: { readonly share: number; readonly at: number };
}

/** Seconds until all works are done, as `secondsLeft` has it. */
export interface TimeLeft {
  started(work: number): void;
  /** It was given up, and is not done. */
  stopped(work: number): void;
  /** @param took seconds, where it was done here */
  ended(work: number, took?: number): void;
  /** What works are planned to take is something else now. */
  replanned(): void;
  /** @returns null where nothing is known */
  at(running: ReadonlyMap<number, Underway>, now: number): number | null;
}

type Sums = { -readonly [K in keyof SortSoFar]: SortSoFar[K] };

/** Waits, runs or was given up, and has ended elsewhere or here. */
const [WAITS, APART, DONE] = [0, 1, 2];

/**
 * Sums up, as works begin and end, what `secondsLeft` has to know.
 *
 * @param planned seconds of each by which works are scheduled
 * @param costs what is known before any of them is done
 */
export function timeLeftOf(
  works: readonly Pick<Work, "kind" | "sort" | "size">[],
  planned: Float64Array,
  schedule: Pick<Schedule, "paths" | "longest">,
  hands: { readonly count: number },
  costs: Pick<Costs, "knows" | "beginOf">,
): TimeLeft {
  const states = new Uint8Array(works.length);
  const names = works.map((work) => sortsOf(work).at(-1)!);
  const sorts = new Map<string, Sums>();
  works.forEach(({ kind, sort }, i) => {
    const isLearned = costs.knows({ kind, sort });
    const nothing = { usual: 0, waiting: 0, done: 0, took: 0 };
    sorts.set(names[i]!, { kind, isLearned, ...nothing });
  });
  const sumsOf = (work: number) => sorts.get(names[work]!)!;
  const replanned = () => {
    const counts = new Map<string, number>();
    for (const sums of sorts.values())
      Object.assign(sums, { usual: 0, waiting: 0, done: 0 });
    names.forEach((name, i) => {
      const sums = sumsOf(i);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      sums.usual += planned[i]!;
      if (states[i] === WAITS) sums.waiting += planned[i]!;
      if (states[i] === DONE) sums.done += planned[i]!;
    });
    for (const [name, sums] of sorts) sums.usual /= counts.get(name)!;
  };
  replanned();
  /** It waits no more. */
  const leave = (work: number) => {
    if (states[work] !== WAITS) return;
    states[work] = APART!;
    sumsOf(work).waiting -= planned[work]!;
  };
  return {
    started: leave,
    stopped: leave,
    ended(work, took) {
      leave(work);
      if (took === undefined) return;
      states[work] = DONE!;
      const sums = sumsOf(work);
      sums.done += planned[work]!;
      sums.took += took;
    },
    replanned,
    at: (running, now) =>
      secondsLeft({
        sorts,
        running: Array.from(running, ([work, { since, said }]) => ({
          sort: names[work]!,
          predicted: planned[work]!,
          begin: Math.min(planned[work]!, costs.beginOf(works[work]!)),
          taken: now - since,
          // What an earlier hand said is of no use to one that begins anew.
          said:
            said && said.at > since
              ? { share: said.share, after: said.at - since }
              : undefined,
          behind: schedule.paths[work]! - planned[work]!,
        })),
        longest: schedule.longest,
        hands: hands.count,
      }),
  };
}
