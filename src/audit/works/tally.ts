import type { AuditEvent, OnEvent } from "../events.ts";
import type { Follower } from "./standing.ts";
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
  /** Says how much time is left, while works run. */
  tellLeft(): void;
  /** How many run. */
  readonly running: number;
}

/** Seconds for which the time left is believed before it is worked out again. */
const BELIEVED = 0.2;

const clock = () => performance.now() / 1000;

/**
 * @param kept works that were found done, of which it tells at once
 * @param saidBy how far a work that runs is, as it said last
 */
export function tallyOf(
  works: readonly Work[],
  kept: readonly Work[],
  timeLeft: TimeLeft,
  onEvent: OnEvent,
  saidBy: Follower["saidBy"] = () => undefined,
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
      const underway = Array.from(running, ([work, since]) => {
        const said = saidBy(works[work]!.id);
        return [work, { since, said }] as const;
      });
      left = timeLeft.at(new Map(underway), now);
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
      timeLeft.started(work);
      tell(works[work]!, "started");
    },
    begun(work) {
      if (running.has(work)) running.set(work, clock());
    },
    stopped(work) {
      running.delete(work);
      timeLeft.stopped(work);
    },
    tellLeft() {
      if (running.size > 0) onEvent({ kind: "left", seconds: leftNow() });
    },
    ended(work, state, failure) {
      const since = running.get(work);
      const seconds = since === undefined ? 0 : clock() - since;
      running.delete(work);
      timeLeft.ended(work, state === "done" ? seconds : undefined);
      if (state === "failed") failed++;
      else done++;
      tell(works[work]!, state, seconds, failure);
      return seconds;
    },
  };
}
