import { setMaxListeners } from "node:events";
import { AssayError, duration, InterruptedError } from "#core";
import type { OnEvent } from "../events.ts";
import type { Store } from "../store.ts";
import { after } from "./after.ts";
import { attempt } from "./attempt.ts";
import { type Beliefs, beliefsOf } from "./beliefs.ts";
import type { Claims } from "./claims.ts";
import { type Costs, costsOf } from "./costs.ts";
import { failureBehind, failureOf } from "./failure.ts";
import { NoHands } from "./hand-errors.ts";
import { type Missing, missingOf } from "./missing.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import type { Follower } from "./standing.ts";
import { type Tally, tallyOf } from "./tally.ts";
import { type TimeLeft, timeLeftOf } from "./time-left.ts";
import type { Failure, Hands, Work } from "./work.ts";

/** How long things may take, in seconds. */
export interface Limits {
  /** One work. What takes longer is stopped where its hand can be, and has failed. */
  readonly work?: number;
  /** All works. What is not done by then has failed. */
  readonly run?: number;
}

export interface PerformOptions {
  readonly hands: Hands;
  readonly store: Store;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
  readonly limits?: Limits;
  /** What is known of what works cost; what is learned goes there. */
  readonly costs?: Costs;
  /** Where other commands may work on the same folder. */
  readonly claims?: Claims;
  /** How far a work that runs is, by what it told. */
  readonly saidBy?: Follower["saidBy"];
  /**
   * Asked after each work that is done whether the rest need not be done any more. What
   * is left then has not failed.
   */
  readonly isEnough?: (work: Work) => boolean;
}

/** Milliseconds between looks at what others have claimed. */
const LOOK = 700;

/** Milliseconds after which the time left is told once more. */
const TELL = 250;

/**
 * Does what has to be done for works to be in the store. A work that fails takes with
 * it what needs it, and nothing else; the same call later tries again what has no
 * record.
 *
 * @returns why works have no result, each behind what it needs
 * @throws InterruptedError when the signal aborts or a work says that it was, NoHands
 *   where there is nobody to do them; either way when no hand works any more
 */
export async function perform(
  wanted: readonly Work[],
  options: PerformOptions,
): Promise<Failure[]> {
  if (options.signal?.aborted) throw new InterruptedError();
  const run = new Run(missingOf(wanted, options.store), options);
  await run.end();
  return run.failures();
}

class Run {
  readonly #missing: Missing;
  readonly #options: PerformOptions;
  readonly #beliefs: Beliefs;
  readonly #schedule: Schedule;
  readonly #timeLeft: TimeLeft;
  readonly #tally: Tally;
  readonly #done = new Set<number>();
  readonly #errors = new Map<number, unknown>();
  /** What cannot be done for want of what failed. */
  readonly #lost = new Set<number>();
  /** What others have claimed. */
  readonly #aside = new Set<number>();
  #isEnough = false;
  readonly #stop = new AbortController();
  /** What ends the run before its works are done. */
  #fatal: unknown;
  #over: () => void = () => {};

  constructor(missing: Missing, options: PerformOptions) {
    const { works, kept } = missing;
    const { hands, onEvent, saidBy } = options;
    this.#missing = missing;
    this.#options = options;
    const costs = options.costs ?? costsOf();
    this.#beliefs = beliefsOf(works, costs);
    const { seconds } = this.#beliefs;
    this.#schedule = scheduleOf({ ...missing, costs: seconds });
    this.#timeLeft = timeLeftOf(works, seconds, this.#schedule, hands, costs);
    this.#tally = tallyOf(works, kept, this.#timeLeft, onEvent, saidBy);
    // Every work that runs listens.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Until all has ended that can be done, or nothing runs any more after a stop. */
  async end(): Promise<void> {
    const { signal, limits } = this.#options;
    const interrupt = () => this.#breakOff(new InterruptedError());
    signal?.addEventListener("abort", interrupt);
    const disarm = after(limits?.run, () => this.#halt());
    const looks = setInterval(() => {
      try {
        this.#look();
      } catch (error) {
        this.#breakOff(error);
      }
    }, LOOK);
    const tells = setInterval(() => this.#tally.tellLeft(), TELL);
    try {
      await new Promise<void>((resolve) => {
        this.#over = resolve;
        this.#fill();
      });
    } finally {
      signal?.removeEventListener("abort", interrupt);
      disarm();
      clearInterval(looks);
      clearInterval(tells);
    }
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  failures(): Failure[] {
    const { works, first, needs } = this.#missing;
    const found = new Map<number, Failure>();
    works.forEach((work, i) => {
      if (this.#done.has(i)) return;
      const need = needs
        .subarray(first[i], first[i + 1])
        .find((one) => this.#errors.has(one) || this.#lost.has(one));
      if (need === undefined && this.#isEnough && !this.#errors.has(i)) return;
      found.set(
        i,
        this.#errors.has(i)
          ? failureOf(work, this.#errors.get(i))
          : need === undefined
            ? failureOf(work, this.#outOfTime())
            : failureBehind(work, found.get(need)!),
      );
    });
    return [...found.values()];
  }

  /** Gives works to hands while there are any of both. */
  #fill(): void {
    while (
      !this.#stop.signal.aborted &&
      this.#tally.running < this.#options.hands.count
    ) {
      const work = this.#schedule.next();
      if (work === undefined) break;
      if (this.#tally.running > 0 && !this.#hasRoom(work)) {
        this.#schedule.back(work);
        break;
      }
      if (this.#take(work))
        this.#do(work).catch((error) => this.#breakOff(error));
    }
    const rests = this.#stop.signal.aborted || this.#aside.size === 0;
    if (this.#tally.running === 0 && rests) this.#over();
  }

  #hasRoom(work: number): boolean {
    const { hands } = this.#options;
    return hands.hasRoom?.(this.#missing.works[work]!) ?? true;
  }

  /** Whether a work is ours to do: nobody has claimed it, or has done it meanwhile. */
  #take(work: number): boolean {
    const { claims } = this.#options;
    if (!claims) return true;
    const { record } = this.#missing.works[work]!;
    if (!claims.take(record)) {
      this.#aside.add(work);
      return false;
    }
    if (!this.#isKept(work)) return true;
    claims.release(record);
    this.#finish(work, "kept");
    return false;
  }

  async #do(index: number): Promise<void> {
    const { hands, limits, claims } = this.#options;
    const work = this.#missing.works[index]!;
    this.#tally.started(index);
    try {
      await attempt(work, hands, this.#stop.signal, limits?.work, () =>
        this.#tally.begun(index),
      );
      this.#learn(index, this.#finish(index, "done"));
      if (!this.#stop.signal.aborted && this.#options.isEnough?.(work)) {
        this.#isEnough = true;
        this.#halt();
      }
    } catch (error) {
      this.#fail(index, error);
    } finally {
      claims?.release(work.record);
    }
    this.#fill();
  }

  #learn(work: number, seconds: number): void {
    if (!this.#beliefs.learn(work, seconds)) return;
    this.#schedule.reweigh();
    this.#timeLeft.replanned();
  }

  #finish(work: number, state: "done" | "kept"): number {
    this.#done.add(work);
    this.#schedule.done(work);
    return this.#tally.ended(work, state);
  }

  #fail(work: number, error: unknown): void {
    const isStopped = error instanceof InterruptedError;
    if (error instanceof NoHands || (isStopped && !this.#stop.signal.aborted))
      this.#breakOff(error);
    if (isStopped) {
      this.#tally.stopped(work);
      return;
    }
    const lost = this.#schedule.fail(work);
    this.#errors.set(work, error);
    for (const one of lost) this.#lost.add(one);
    const { message } = failureOf(this.#missing.works[work]!, error);
    this.#tally.ended(work, "failed", { message, behind: lost.length });
    for (const one of lost) this.#tally.ended(one, "failed");
  }

  /** Looks whether what others had claimed is there now, or is ours to do. */
  #look(): void {
    for (const work of this.#aside) {
      const { record } = this.#missing.works[work]!;
      if (this.#isKept(work)) this.#finish(work, "kept");
      else if (this.#options.claims!.isTaken(record)) continue;
      else this.#schedule.back(work);
      this.#aside.delete(work);
    }
    this.#fill();
  }

  #isKept(work: number): boolean {
    const { record } = this.#missing.works[work]!;
    return this.#options.store.read(record) !== undefined;
  }

  #breakOff(error: unknown): void {
    this.#fatal ??= error;
    this.#halt();
  }

  #halt(): void {
    this.#stop.abort();
    this.#fill();
  }

  #outOfTime(): AssayError {
    return new AssayError(
      "TIME_LIMIT",
      `the run ended at its limit (${duration(this.#options.limits?.run ?? 0)}) before this was done`,
      "Run the same command again to continue, or allow it more time.",
    );
  }
}
