import { hostname } from "node:os";
import type { Job } from "bullmq";
import { hashOf, InterruptedError, messageOf } from "#core";
import type { AuditEvent, OnEvent } from "../events.ts";
import { type ChildHands, NoHands, openPool } from "../works/index.ts";
import {
  failureText,
  QUEUE,
  type QueuedRun,
  queuedWork,
  STOPS,
} from "./queued.ts";
import { connected } from "./redis.ts";

export interface ServeOptions {
  /** Address of Redis. */
  readonly url: string;
  /** A module with an `open` of the type `OpenWorks`, which gets a `QueuedRun`. */
  readonly module: URL;
  /** False refuses runs whose suite runs code. */
  readonly use?: boolean;
  /** Works at once, each in a process of its own. */
  readonly concurrency: number;
  /** Threads of each. */
  readonly threads: number;
  /** Told what goes on, in sentences. */
  readonly onLine: (line: string) => void;
  /** Ends it: works that go on are handed back. */
  readonly signal: AbortSignal;
}

/**
 * Milliseconds without a sign of life after which a job is another's, and between looks
 * for such jobs. Signs come from a thread that computes nothing.
 */
const SILENCE = 10_000;
const LOOK = 5000;

/**
 * How often a job may be lost with its worker before it counts as failed. A work that
 * crashes what computes it ends a child alone, so that a worker that is lost is rarely
 * its job's fault: machines are taken away or run out of memory.
 */
const LOST = 5;

/** Milliseconds between events of progress that are sent on. */
const PAUSE = 1000;

/**
 * Does works from the queue, one after the other in `concurrency` processes, until the
 * signal. A run that cannot be opened here is told to its coordinator, which ends.
 *
 * @throws QUEUE_MISSING, QUEUE_URL, QUEUE_UNREACHABLE
 */
export async function serveQueue(options: ServeOptions): Promise<void> {
  const { url, signal, onLine } = options;
  const { bull, another, shown, disconnect } = await connected(url, onLine);
  const stops = new Map<string, () => void>();
  const listener = another();
  await listener.subscribe(STOPS);
  listener.on("message", (_channel, id) => stops.get(id)?.());
  const desks = Array.from({ length: options.concurrency }, () => {
    const desk = new Desk(options);
    const worker = new bull.Worker(
      QUEUE,
      async (job, token) => {
        const stop = new AbortController();
        const end = () => stop.abort();
        signal.addEventListener("abort", end);
        stops.set(job.id!, end);
        try {
          return await desk.perform(job, stop.signal);
        } catch (error) {
          if (signal.aborted && error instanceof InterruptedError) {
            await job.moveToWait(token);
            throw new bull.WaitingError();
          }
          throw new Error(failureText(error));
        } finally {
          stops.delete(job.id!);
          signal.removeEventListener("abort", end);
        }
      },
      {
        connection: another(),
        name: `${hostname()}-${process.pid}`,
        lockDuration: SILENCE,
        stalledInterval: LOOK,
        maxStalledCount: LOST,
        // Its default lets a worker rest long after Redis was away for a moment.
        runRetryDelay: 1000,
      },
    );
    worker.on("error", (error) => onLine(`${shown}: ${messageOf(error)}`));
    return { desk, worker };
  });
  onLine(`Works of ${shown}, ${options.concurrency} at once`);
  if (!signal.aborted)
    await new Promise((resolve) =>
      signal.addEventListener("abort", resolve, { once: true }),
    );
  await Promise.all(
    desks.map(async ({ desk, worker }) => {
      await worker.close();
      await desk.close();
    }),
  );
  disconnect();
}

/** Where one work is done at a time, by a process that has its run open. */
class Desk {
  readonly #options: ServeOptions;
  #run = "";
  #hands?: ChildHands;
  #onEvent: OnEvent = () => {};

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  /** @returns what the run has to be told beside what was found */
  async perform(job: Job, signal: AbortSignal): Promise<AuditEvent[]> {
    const told: AuditEvent[] = [];
    let spoke = Number.NEGATIVE_INFINITY;
    this.#onEvent = (event) => {
      if (event.kind === "warning") told.push(event);
      else if (event.kind !== "phase" && performance.now() - spoke > PAUSE) {
        spoke = performance.now();
        // Where it does not arrive, nothing is lost.
        job.updateProgress(event).catch(() => {});
      }
    };
    const { onLine } = this.#options;
    try {
      const { run, work, record } = queuedWork(job.data);
      onLine(work);
      const hands = await this.#handsFor(run);
      await hands.perform({ id: work, record }, signal);
    } catch (error) {
      if (error instanceof InterruptedError) throw error;
      onLine(`${job.name}: ${messageOf(error)}`);
      throw error instanceof NoHands ? from(error) : error;
    } finally {
      this.#onEvent = () => {};
    }
    return told;
  }

  async close(): Promise<void> {
    await this.#hands?.close();
  }

  async #handsFor(run: QueuedRun): Promise<ChildHands> {
    const key = hashOf(run);
    if (this.#hands && this.#run === key) return this.#hands;
    await this.close();
    this.#run = key;
    this.#hands = openPool({
      module: this.#options.module,
      input: { ...run, use: this.#options.use },
      count: 1,
      threads: this.#options.threads,
      memory: run.memory,
      onEvent: (event) => this.#onEvent(event),
    });
    return this.#hands;
  }
}

/** Why a worker cannot do anything of a run, with where it is. */
const from = ({ code, message, hint }: NoHands) =>
  new NoHands(code, `${message} (worker on ${hostname()})`, hint);
