import { AssayError, sentError } from "#core";
import type { OpenWorks, Order, Report } from "./messages.ts";
import { peakOf } from "./peak-of.ts";
import type { Work } from "./work.ts";

// The process that a pool forks: it opens the works, and does those that it is told to,
// one at a time.

/** Milliseconds between reports of memory, where the parent cannot see it by itself. */
const REPORT = 250;

const abort = new AbortController();
let works: ReadonlyMap<string, Work> = new Map();
let tidy: (() => void) | undefined;

const send = (report: Report) => process.send?.(report);

async function open({
  module,
  input,
  threads,
}: Extract<Order, { kind: "open" }>): Promise<void> {
  const opener: { readonly open: OpenWorks } = await import(module);
  const opened = await opener.open(input, {
    threads,
    onEvent: (event) => send({ kind: "event", event }),
    signal: abort.signal,
  });
  works = opened.works;
  tidy = () => opened.tidy?.();
}

async function perform({
  work: id,
  record,
}: Extract<Order, { kind: "do" }>): Promise<void> {
  const work = works.get(id);
  if (work?.record !== record)
    throw new AssayError(
      "WORK_UNKNOWN",
      `a worker ${work ? "would make another" : "does not know"} ${id}: what it depends on is not the same there`,
      "Give all workers the same suite, data, models and engine, and leave them as they are while a run goes on.",
    );
  try {
    await work.run();
  } finally {
    tidy?.();
  }
}

async function obey(order: Order): Promise<void> {
  if (order.kind === "stop") return abort.abort();
  try {
    const peak = await peakOf(() =>
      order.kind === "open" ? open(order) : perform(order),
    );
    send({ kind: "done", peak });
  } catch (error) {
    send({ kind: "error", error: sentError(error) });
  }
}

process.on("message", obey);
// The parent has ended, whatever way.
process.on("disconnect", () => process.exit());
// That may have been before this line.
if (process.connected === false) process.exit();
// A key on the terminal reaches every process of the group; the parent says what to do.
process.on("SIGINT", () => {});
if (process.platform !== "linux")
  setInterval(
    () => send({ kind: "memory", bytes: process.memoryUsage.rss() }),
    REPORT,
  ).unref();
