import { z } from "zod";
import { workOf } from "#core";
import type { AuditEvent, OnEvent } from "../events.ts";
import type { Underway } from "./time-left.ts";

/** How far the works of a command are, for whoever looks at its folder meanwhile. */
export const standingSchema = z.strictObject({
  /** Of the suite. */
  title: z.string(),
  done: z.int(),
  total: z.int(),
  waiting: z.int(),
  failed: z.int(),
  /** Works that run, with how far each is, as far as it says so. */
  running: z.array(z.strictObject({ work: z.string(), far: z.string() })),
  /** The last works that failed by themselves, and why. */
  failures: z.array(z.strictObject({ work: z.string(), why: z.string() })),
  /** Seconds until all is done, as far as is known. */
  left: z.number().nullable(),
});

export type Standing = z.infer<typeof standingSchema>;

/** Failures that are told. */
const TOLD = 20;

/** Milliseconds between two tellings. */
const PAUSE = 500;

type WorkEvent = Extract<AuditEvent, { kind: "work" }>;

/** Follows the events of a run, and tells how far it is. */
export interface Follower {
  readonly onEvent: OnEvent;
  /** Tells from now on, at most twice a second. */
  begin(title: string, tell: (standing: Standing) => void): void;
  end(): void;
  /** How far a work that runs is, if it has said so, by its id. */
  saidBy(work: string): Underway["said"];
}

/** Kinds of work whose epochs are of one training, which is most of what they do. */
const ONE_TRAINING: ReadonlySet<string> = new Set(["model", "repair", "part"]);

type Told = Extract<AuditEvent, { kind: "epoch" | "progress" }>;

export function follower(): Follower {
  let title = "";
  let tell: ((standing: Standing) => void) | undefined;
  const running = new Map<string, { of: string; far: string }>();
  const failures: Standing["failures"] = [];
  const said = saidOf();
  let last: WorkEvent | undefined;
  let left: number | null = null;
  let told = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const now = () => performance.now();
  const speak = () => {
    timer = undefined;
    told = now();
    const { done = 0, total = 0, waiting = 0, failed = 0 } = last ?? {};
    tell?.({
      title,
      ...{ done, total, waiting, failed },
      running: Array.from(running, ([work, { far }]) => ({ work, far })),
      failures: failures.slice(-TOLD),
      left,
    });
  };
  const changed = () => {
    if (!tell) return;
    const rest = PAUSE - (now() - told);
    if (rest <= 0) speak();
    else timer ??= setTimeout(speak, rest).unref();
  };
  /** Says how far something is, at the work that runs it. */
  const far = (event: Told, what: string, text: string, share: number) => {
    const own = workOf(event, what, [...running.keys()]);
    const { of } = running.get(own ?? "") ?? {};
    if (own === undefined || of === undefined) return;
    running.set(own, { of, far: text });
    if (event.kind === "progress" || ONE_TRAINING.has(of))
      said.told(own, share, now() / 1000);
  };
  const onWork = (event: WorkEvent) => {
    last = event;
    left = event.left;
    said.forget(event.work);
    if (event.state === "started")
      running.set(event.work, { of: event.of, far: "" });
    else running.delete(event.work);
    if (event.failure)
      failures.push({ work: event.work, why: event.failure.message });
  };
  return {
    onEvent(event) {
      if (event.kind === "work") onWork(event);
      else if (event.kind === "epoch")
        far(
          event,
          event.model,
          `epoch ${event.epoch} of ${event.epochs}`,
          event.epoch / event.epochs,
        );
      else if (event.kind === "progress")
        far(
          event,
          event.what,
          `${Math.round(100 * event.share)} %`,
          event.share,
        );
      else if (event.kind === "left") left = event.seconds;
      else return;
      changed();
    },
    begin(suite, listener) {
      title = suite;
      tell = listener;
      changed();
    },
    end() {
      tell = undefined;
      clearTimeout(timer);
    },
    saidBy: said.by,
  };
}

/**
 * How far works have said that they are. One that falls back does several things one
 * after the other, which says nothing of the whole; nor does one that is at its end
 * and goes on.
 */
function saidOf() {
  const shares = new Map<string, Underway["said"]>();
  return {
    by: (work: string) => shares.get(work),
    forget: (work: string) => shares.delete(work),
    told(work: string, share: number, at: number) {
      const before = shares.get(work);
      if (shares.has(work) && before === undefined) return;
      const isOfAll = share > 0 && share < 1 && share >= (before?.share ?? 0);
      if (isOfAll) shares.set(work, { share, at });
      else if (!(share === 0 && before === undefined))
        shares.set(work, undefined);
    },
  };
}
