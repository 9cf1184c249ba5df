import { setTimeout as wait } from "node:timers/promises";
import type { Queue } from "bullmq";
import { AssayError, InterruptedError, messageOf } from "#core";
import type { AuditEvent, OnEvent } from "../events.ts";
import type { Store } from "../store.ts";
import type { Hands, Work } from "../works/index.ts";
import { seen } from "./border.ts";
import { type Depot, openDepot } from "./depot.ts";
import {
  failureOf,
  jobId,
  QUEUE,
  type QueuedRun,
  type QueuedWork,
  STOPS,
} from "./queued.ts";
import { type Connected, connected, waitingFor } from "./redis.ts";

export interface QueueOptions {
  /** Address of Redis. */
  readonly url: string;
  readonly run: QueuedRun;
  /** All works of the run. */
  readonly works: Iterable<Work>;
  readonly store: Store;
  readonly onEvent: OnEvent;
}

/** Milliseconds between looks at who works, and at jobs that nothing was heard of. */
const LOOK = 2000;

/** Looks for which a queue may not answer until that is told. */
const QUIET = 5;

/** How many jobs a worker has before it, itself included, so that it need not wait. */
const AHEAD = 2;

/** Jobs in the queue where workers are not known, or few. */
const LEAST = 4;

/** How many records are asked of a bucket at once. */
const AT_ONCE = 16;

/**
 * Hands that are workers anywhere, by way of BullMQ. A work becomes a job when what it
 * needs is done: flows of BullMQ are trees, in which a job has one parent, and works
 * are a graph, in which a model is needed by many. A job names its work, and nothing
 * else goes through Redis: what is found comes by the store.
 *
 * A job of a worker that is not heard of any more is given to another by BullMQ. One
 * that Redis has lost is added again; done twice, it finds the same. `count` follows
 * the number of workers, with as many jobs again that wait, so that none has to wait.
 */
export async function openQueue(options: QueueOptions): Promise<Hands> {
  const { run, store } = options;
  const depot = run.bucket ? await openDepot(run.bucket, store) : undefined;
  if (depot) await exchange(options.works, depot);
  const connection = await connected(options.url, (title) =>
    options.onEvent({ kind: "phase", title }),
  );
  const hands = new QueueHands(options, connection, depot);
  await hands.start();
  return hands;
}

/** Makes the bucket and the folder of a run alike. */
async function exchange(works: Iterable<Work>, depot: Depot): Promise<void> {
  const left = [...works];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let work = left.pop(); work; work = left.pop())
        if ((await depot.bring(work.record)) && !(await depot.has(work.record)))
          await depot.hand(work.record);
    }),
  );
}

/** A job that is waited for. */
interface Awaited {
  readonly job: QueuedWork;
  /** Whether a worker was seen to have it. */
  isBegun: boolean;
  begun(): void;
  done(): void;
  failed(error: Error): void;
}

class QueueHands implements Hands {
  count = LEAST;
  readonly #options: QueueOptions;
  readonly #connection: Connected;
  readonly #depot?: Depot;
  readonly #queue: Queue;
  readonly #events: InstanceType<Connected["bull"]["QueueEvents"]>;
  readonly #awaited = new Map<string, Awaited>();
  #looks?: NodeJS.Timeout;
  #isLooking = false;
  /** Looks that were due while one went on. */
  #late = 0;
  #isClosed = false;
  /** What was told last of the queue, so that it is told once. */
  #told = "";

  constructor(options: QueueOptions, connection: Connected, depot?: Depot) {
    this.#options = options;
    this.#connection = connection;
    this.#depot = depot;
    const { bull, redis, another } = connection;
    this.#queue = new bull.Queue(QUEUE, { connection: redis });
    this.#events = new bull.QueueEvents(QUEUE, {
      connection: another(),
      autorun: false,
    });
    const lost = (error: Error) => this.#tell(this.#waiting(error));
    this.#queue.on("error", lost);
    this.#events.on("error", lost);
    this.#events.on("active", ({ jobId }) => this.#begin(jobId));
    this.#events.on("completed", ({ jobId, returnvalue }) =>
      this.#settle(jobId, returnvalue),
    );
    this.#events.on("failed", ({ jobId, failedReason }) =>
      this.#fail(jobId, failureOf(failedReason)),
    );
    this.#events.on("progress", ({ jobId, data }) => {
      if (this.#awaited.has(jobId)) this.#hear([data as AuditEvent]);
    });
  }

  async start(): Promise<void> {
    await this.#events.waitUntilReady();
    void this.#listen();
    await this.#look();
    this.#looks = setInterval(() => this.#look(), LOOK);
  }

  async perform(
    work: Work,
    signal: AbortSignal,
    begun: () => void,
  ): Promise<void> {
    if (signal.aborted) throw new InterruptedError();
    const { run, store } = this.#options;
    const job = { run, work: work.id, record: work.record };
    const id = jobId(job);
    const stop = () => {
      this.#awaited.get(id)?.failed(new InterruptedError());
      void this.#withdraw(id);
    };
    signal.addEventListener("abort", stop);
    try {
      await new Promise<void>((done, failed) => {
        this.#awaited.set(id, { job, isBegun: false, begun, done, failed });
        this.#add(id, job).catch(failed);
      });
      await this.#depot?.bring(work.record);
      await seen(store, work.record, signal);
    } finally {
      this.#awaited.delete(id);
      signal.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#looks);
    const { redis, disconnect } = this.#connection;
    // Where the queue is away, nothing waits for it any more.
    if (redis.status === "ready")
      await Promise.all([this.#events.close(), this.#queue.close()]);
    disconnect();
  }

  /** Hears of jobs until it is closed, also behind an event that could not be read. */
  async #listen(): Promise<void> {
    while (!this.#isClosed)
      try {
        await this.#events.run();
      } catch (error) {
        this.#tell(this.#waiting(error));
        await wait(LOOK, undefined, { ref: false });
      }
  }

  async #add(id: string, job: QueuedWork): Promise<void> {
    await this.#queue.add(job.work, job, {
      jobId: id,
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: 0,
    });
  }

  #begin(id: string): void {
    const awaited = this.#awaited.get(id);
    if (!awaited) return;
    awaited.isBegun = true;
    awaited.begun();
  }

  /** @param told the events that its worker answered with */
  #settle(id: string, told: unknown): void {
    const awaited = this.#awaited.get(id);
    if (!awaited) return;
    if (!Array.isArray(told)) awaited.failed(answerless(id));
    else {
      this.#hear(told);
      awaited.done();
    }
  }

  /** A worker that was stopped by somebody else has not failed. */
  #fail(id: string, error: Error): void {
    const awaited = this.#awaited.get(id);
    if (!awaited) return;
    if (error instanceof InterruptedError)
      this.#add(id, awaited.job).catch(awaited.failed);
    else awaited.failed(error);
  }

  /** Takes a job out of the queue, or has its worker stop it. */
  async #withdraw(id: string): Promise<void> {
    try {
      if ((await this.#queue.remove(id)) === 0)
        await this.#connection.redis.publish(STOPS, id);
    } catch {
      // It is done for nothing, and what it finds is kept.
    }
  }

  async #look(): Promise<void> {
    const { redis, shown } = this.#connection;
    if (this.#isLooking) {
      if (++this.#late === QUIET) this.#tell(waitingFor(shown, "no answer"));
      return;
    }
    if (redis.status !== "ready") return;
    this.#isLooking = true;
    this.#late = 0;
    try {
      const workers = await this.#queue.getWorkersCount();
      this.count = Math.max(LEAST, AHEAD * workers);
      this.#tell(
        workers > 0
          ? `Workers of the queue at ${shown}: ${workers}`
          : `Nobody works for the queue at ${shown}: start assay worker --queue ${shown}`,
      );
      for (const [id, { job, isBegun }] of this.#awaited) {
        const queued = await this.#queue.getJob(id);
        if (!queued) await this.#again(id, job);
        // A worker may have had it before anybody listened.
        else if (!isBegun && (await queued.isActive())) this.#begin(id);
      }
    } catch (error) {
      this.#tell(this.#waiting(error));
    } finally {
      this.#isLooking = false;
    }
  }

  /** Takes up a job that is not in the queue, whose end nobody may have heard of. */
  async #again(id: string, job: QueuedWork): Promise<void> {
    const { store } = this.#options;
    await this.#depot?.bring(job.record);
    if (store.read(job.record) === undefined) await this.#add(id, job);
    else this.#awaited.get(id)?.done();
  }

  #hear(events: readonly AuditEvent[]): void {
    for (const event of events) this.#options.onEvent(event);
  }

  #waiting(error: unknown): string {
    return waitingFor(this.#connection.shown, messageOf(error));
  }

  #tell(title: string): void {
    if (title === this.#told) return;
    this.#told = title;
    this.#options.onEvent({ kind: "phase", title });
  }
}

const answerless = (id: string) =>
  new AssayError(
    "QUEUE_ANSWER",
    `a worker ended job ${id} of the queue without saying what came of it`,
    "See that all machines have the same version of Assay, and that nothing else works for this queue.",
  );
