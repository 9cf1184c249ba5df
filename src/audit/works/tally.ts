import type { AuditEvent, OnEvent } from "../events.ts";
import type { TimeLeft } from "./time-left.ts";
import type { Work } from "./work.ts";

type WorkEvent = Extract<AuditEvent, { kind: "work" }>;

type State = WorkEvent["state"];

/** Counts works as they begin and end, and tells of each. */
export interface Tally {
  started(work: number): void;
  /** It does not wait any more: what it takes counts from here. */
  begun(work: number): void;
  /** It ended before it was done, since the run did. */
  stopped(work: number): void;
  /** @returns the seconds that it took */
  ended(
    work: number,
    state: Exclude<State, "started">,
    failure?: WorkEvent["failure"],
  ): number;
  /** How many run. */
  readonly running: number;
}

/** Seconds for which the time left is believed before it is worked out again. */
const BELIEVED = 0.2;

const clock = () => performance.now() / 1000;

/** @param kept works that were found done, of which it tells at once */
export function tallyOf(
  works: readonly Work[],
  kept: readonly Work[],
  timeLeft: TimeLeft,
  onEvent: OnEvent,
): Tally {
  const running = new Map<number, number>();
  const total = works.length + kept.length;
  let done = 0;
  let failed = 0;
  let left: number | null = null;
  let worked = Number.NEGATIVE_INFINITY;
  const leftNow = (): number | null => {
    const now = clock();
    if (now - worked > BELIEVED || done === total) {
      left = timeLeft.at(running, now);
      worked = now;
    }
    return left;
  };
  const tell = (
    work: Work,
    state: State,
    seconds = 0,
    failure?: WorkEvent["failure"],
  ) =>
    onEvent({
      kind: "work",
      work: work.id,
      of: work.kind,
      headline:
        state === "done" || state === "kept" ? work.headline?.() : undefined,
      state,
      done,
      total,
      running: running.size,
      failed,
      waiting: total - done - failed - running.size,
      seconds,
      left: leftNow(),
      failure,
    });
  for (const work of kept) {
    done++;
    tell(work, "kept");
  }
  return {
    get running() {
      return running.size;
    },
    started(work) {
      running.set(work, clock());
      tell(works[work]!, "started");
    },
    begun(work) {
      if (running.has(work)) running.set(work, clock());
    },
    stopped(work) {
      running.delete(work);
    },
    ended(work, state, failure) {
      const since = running.get(work);
      const seconds = since === undefined ? 0 : clock() - since;
      running.delete(work);
      timeLeft.ended(work);
      if (state === "failed") failed++;
      else done++;
      tell(works[work]!, state, seconds, failure);
      return seconds;
    },
  };
}
