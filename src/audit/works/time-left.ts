import type { Costs } from "./costs.ts";
import { guessed, passBy } from "./guessed.ts";
import type { Schedule } from "./schedule.ts";
import { type Work, type WorkKind, workKinds } from "./work.ts";

/** Seconds until all works are done. */
export interface TimeLeft {
  ended(work: number): void;
  /** What works are planned to take is something else now. */
  replanned(): void;
  /**
   * By what is known now of what works cost, and by what those passes take for kinds
   * that were not done yet; null where nothing is known of any.
   *
   * @param running when each of those that run began, in seconds
   * @param now on the same clock
   */
  at(running: ReadonlyMap<number, number>, now: number): number | null;
}

/**
 * The time left is what is left to do, shared among the hands, or what is left of the
 * longest path, where that is more.
 *
 * @param planned seconds of each by which works are scheduled
 */
export function timeLeftOf(
  works: readonly Work[],
  planned: Float64Array,
  schedule: Schedule,
  hands: number,
  costs: Costs,
): TimeLeft {
  const sizes = new Map<WorkKind, number>();
  const add = (kind: WorkKind, size: number) =>
    sizes.set(kind, (sizes.get(kind) ?? 0) + size);
  for (const { kind, size } of works) add(kind, size);
  const isEnded = new Uint8Array(works.length);
  let plannedRest = 0;
  const replanned = () => {
    plannedRest = planned.reduce(
      (sum, seconds, i) => (isEnded[i] ? sum : sum + seconds),
      0,
    );
  };
  replanned();
  const restNow = (): number | null => {
    if (
      workKinds.every(
        (kind) => costs.secondsOf({ kind, size: 1 }) === undefined,
      )
    )
      return null;
    const { secondsOf } = guessed(costs, passBy(costs));
    let rest = 0;
    for (const [kind, size] of sizes) {
      if (size <= 0) continue;
      rest += secondsOf({ kind, size });
    }
    return rest;
  };
  return {
    ended(work) {
      const { kind, size } = works[work]!;
      add(kind, -size);
      isEnded[work] = 1;
      plannedRest -= planned[work]!;
    },
    replanned,
    at(running, now) {
      const rest = restNow();
      if (rest === null) return null;
      const scale = plannedRest > 0 ? rest / plannedRest : 1;
      let begun = 0;
      let path = schedule.longest * scale;
      for (const [work, since] of running) {
        begun += Math.min(now - since, planned[work]! * scale);
        path = Math.max(path, schedule.paths[work]! * scale - (now - since));
      }
      return Math.max((rest - begun) / hands, path, 0);
    },
  };
}
