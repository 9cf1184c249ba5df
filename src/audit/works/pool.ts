import { AssayError, InterruptedError, messageOf } from "#core";
import type { OnEvent } from "../events.ts";
import { Child } from "./child.ts";
import { HandDied, NoHands } from "./hand-errors.ts";
import type { Order } from "./messages.ts";
import type { Peaks } from "./peaks.ts";
import { fits } from "./room.ts";
import type { Hands, Work } from "./work.ts";

export interface PoolOptions {
  /** A module, as it was built, with an `open` of the type `OpenWorks`. */
  readonly module: URL;
  /** What its `open` gets, as it can be sent between processes. */
  readonly input: unknown;
  /** Child processes, which are started when there is work for them. */
  readonly count: number;
  /** Threads of each. */
  readonly threads: number;
  /** Bytes that each may have. */
  readonly memory?: number;
  /**
   * What memory works take: learned here, and asked which of them have room beside each
   * other.
   */
  readonly peaks?: Peaks;
  readonly onEvent: OnEvent;
}

/** What a child has to know of a work; its kind is for the pool. */
type Named = Pick<Work, "id" | "record"> & Partial<Pick<Work, "kind">>;

/** Hands that know works by their names. */
export interface ChildHands extends Hands {
  perform(work: Named, signal: AbortSignal, begun?: () => void): Promise<void>;
}

/** The code of a work whose worker took too much memory. */
const FULL = "MEMORY_LIMIT";

/** Milliseconds between looks at the memory of children. */
const LOOK = 250;

/** How many children in a row may die as they start. */
const STILLBORN = 3;

/**
 * Hands that are child processes. One that dies costs the work that it did (HandDied),
 * and another takes its place. One above the limit of memory is killed: its work has
 * failed with MEMORY_LIMIT, unless earlier works may have left what fills it.
 */
export function openPool(options: PoolOptions): ChildHands {
  const pool = new Pool(options);
  return {
    count: options.count,
    perform: (work, signal, begun) => {
      begun?.();
      return pool.perform(work, signal, begun);
    },
    hasRoom: (work) => pool.hasRoom(work),
    close: () => pool.close(),
  };
}

class Pool {
  readonly #options: PoolOptions;
  readonly #children = new Set<Child>();
  readonly #idle: Child[] = [];
  readonly #doing = new Set<Named>();
  readonly #looks?: NodeJS.Timeout;
  /** Children that died as they started, since one did not. */
  #stillborn = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    if (options.memory !== undefined)
      this.#looks = setInterval(() => this.#look(), LOOK);
  }

  hasRoom({ kind }: Pick<Work, "kind">): boolean {
    const { peaks, memory } = this.#options;
    const doing = Array.from(this.#doing, (work) => work.kind ?? []).flat();
    return !peaks || fits([...doing, kind], peaks, memory);
  }

  async perform(
    work: Named,
    signal: AbortSignal,
    begun?: () => void,
  ): Promise<void> {
    this.#doing.add(work);
    try {
      await this.#perform(work, signal, begun);
    } finally {
      this.#doing.delete(work);
    }
  }

  async #perform(
    work: Named,
    signal: AbortSignal,
    begun?: () => void,
  ): Promise<void> {
    const used = this.#usable();
    if (!used) return this.#byNew(work, signal, begun);
    try {
      await this.#by(used, work, signal);
    } catch (error) {
      const isFull = error instanceof AssayError && error.code === FULL;
      if (!isFull || signal.aborted) throw error;
      await this.#byNew(work, signal, begun);
    }
  }

  /** By a child that is to be born: what that takes is not what the work takes. */
  async #byNew(
    work: Named,
    signal: AbortSignal,
    begun?: () => void,
  ): Promise<void> {
    const child = await this.#born(signal);
    begun?.();
    await this.#by(child, work, signal);
  }

  async close(): Promise<void> {
    clearInterval(this.#looks);
    await Promise.all(Array.from(this.#children, (child) => this.#end(child)));
  }

  #usable(): Child | undefined {
    for (;;) {
      const child = this.#idle.pop();
      if (!child || child.isUsable) return child;
      // It died while it had nothing to do.
      void this.#end(child);
    }
  }

  async #by(
    child: Child,
    { id, record, kind }: Named,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const order = { kind: "do", work: id, record } as const;
      const peak = await this.#obey(child, order, signal);
      if (kind) this.#options.peaks?.learn(kind, peak);
    } finally {
      if (child.isUsable) this.#idle.push(child);
      else await this.#end(child);
    }
  }

  /** A new child that has opened the works. */
  async #born(signal: AbortSignal): Promise<Child> {
    const { module, input, threads, onEvent } = this.#options;
    for (;;) {
      const child = new Child(onEvent);
      this.#children.add(child);
      try {
        const order = { kind: "open", module: module.href, input, threads };
        await this.#obey(child, order as Order, signal);
        this.#stillborn = 0;
        return child;
      } catch (error) {
        await this.#end(child);
        if (error instanceof InterruptedError) throw error;
        if (!(error instanceof HandDied) || ++this.#stillborn >= STILLBORN)
          throw noneStarts(error);
      }
    }
  }

  async #obey(
    child: Child,
    order: Order,
    signal: AbortSignal,
  ): Promise<number> {
    if (signal.aborted) throw new InterruptedError();
    const stop = () => child.stop();
    signal.addEventListener("abort", stop);
    try {
      return await child.obey(order);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async #end(child: Child): Promise<void> {
    await child.close();
    this.#children.delete(child);
  }

  #look(): void {
    const most = this.#options.memory ?? Number.POSITIVE_INFINITY;
    for (const child of this.#children) {
      const bytes = child.memory();
      if (bytes <= most || !child.isUsable) continue;
      child.kill(
        new AssayError(
          FULL,
          `the worker that computed it took ${megabytes(bytes)} of memory, more than it may (${megabytes(most)})`,
          "Allow workers more memory, or ask for smaller batches or models.",
        ),
      );
    }
  }
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** Why nobody can do anything, by what happened to a child that started. */
function noneStarts(error: unknown): NoHands {
  if (error instanceof AssayError && !(error instanceof HandDied))
    return new NoHands(
      error.code,
      `no worker starts: ${error.message}`,
      error.hint,
    );
  const why =
    error instanceof HandDied ? `the last one ${error.how}` : messageOf(error);
  return new NoHands(
    "WORKER_START",
    `no worker starts: ${why}`,
    "See that there is memory for another process, and that the suite's modules can be loaded in one.",
  );
}
