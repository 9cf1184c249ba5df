import { z } from "zod";
import type { AuditEvent, OnEvent } from "../events.ts";

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
}

export function follower(): Follower {
  let title = "";
  let tell: ((standing: Standing) => void) | undefined;
  const running = new Map<string, string>();
  const failures: Standing["failures"] = [];
  let last: WorkEvent | undefined;
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
      running: Array.from(running, ([work, far]) => ({ work, far })),
      failures: failures.slice(-TOLD),
      left: last?.left ?? null,
    });
  };
  const changed = () => {
    if (!tell) return;
    const rest = PAUSE - (now() - told);
    if (rest <= 0) speak();
    else timer ??= setTimeout(speak, rest).unref();
  };
  /** Says how far something is, at the work that runs it. */
  const far = (what: string, text: string) => {
    const own = [...running.keys()].find((work) => work.endsWith(what));
    if (own) running.set(own, text);
  };
  const onWork = (event: WorkEvent) => {
    last = event;
    if (event.state === "started") running.set(event.work, "");
    else running.delete(event.work);
    if (event.failure)
      failures.push({ work: event.work, why: event.failure.message });
  };
  return {
    onEvent(event) {
      if (event.kind === "work") onWork(event);
      else if (event.kind === "epoch")
        far(event.model, `epoch ${event.epoch} of ${event.epochs}`);
      else if (event.kind === "progress")
        far(event.what, `${Math.round(100 * event.share)} %`);
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
  };
}
