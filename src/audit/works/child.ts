import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { InterruptedError, packagePath, revived } from "#core";
import type { AuditEvent, OnEvent } from "../events.ts";
import { HandDied } from "./hand-errors.ts";
import type { Order, Report } from "./messages.ts";

/** Milliseconds that a child has to end what it does when it is asked to. */
const GRACE = 2000;

/** Milliseconds in which what a child said before it ended has to be here. */
const LAST_WORDS = 200;

/** Of what a child complains of, the characters that are remembered. */
const TAIL = 4096;

/** A process that does what it is told to, one thing at a time. */
export class Child {
  readonly #forked: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #saidAll: Promise<void>;
  /** Who waits for the end of what it does. */
  #answer: { done(peak: number): void; failed(error: Error): void } | undefined;
  /** Why it is to end, or has ended. */
  #doom: Error | undefined;
  /** The work that it does. */
  #work: string | undefined;
  #complaints = "";
  #bytes = 0;

  constructor(onEvent: OnEvent) {
    // As it was built, also where this runs from source: Node runs no TypeScript.
    this.#forked = fork(packagePath("dist/src/audit/works/child-main.js"), {
      // Flags of this process may be for it alone; those of NODE_OPTIONS are for both.
      // Children share out all cores, so that a thread that collects garbage for one
      // takes its time from another.
      execArgv: ["--single-threaded-gc"],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#forked.stderr?.on("data", (text: Buffer) => {
      this.#complaints = (this.#complaints + text).slice(-TAIL);
    });
    this.#saidAll = new Promise((resolve) => {
      this.#forked.stderr?.on("close", resolve);
    });
    this.#forked.on("message", (report: Report) => {
      if (report.kind === "event") onEvent(this.#signed(report.event));
      else if (report.kind === "memory") this.#bytes = report.bytes;
      else if (report.kind === "done") this.#settle(report.peak);
      else this.#settle(revived(report.error));
    });
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#doom ??= new HandDied(how);
        this.#settle(this.#doom);
        resolve();
      };
      this.#forked.on("error", (error) => {
        if (this.#forked.pid === undefined)
          end(`could not be started (${error.message})`);
      });
      this.#forked.on("exit", async (code, signal) => {
        // What it said last may be on its way.
        await Promise.race([
          this.#saidAll,
          wait(LAST_WORDS, undefined, { ref: false }),
        ]);
        end(`${wayOut(code, signal)}${this.#lastComplaint()}`);
      });
    });
  }

  /** Whether more can be asked of it. */
  get isUsable(): boolean {
    return this.#doom === undefined;
  }

  /**
   * Gives an order and waits until it was obeyed.
   *
   * @returns the most bytes that it had meanwhile
   * @throws what the child threw, why it was ended, HandDied where it died
   */
  async obey(order: Order): Promise<number> {
    if (this.#doom) throw this.#doom;
    return new Promise<number>((done, failed) => {
      this.#answer = { done, failed };
      this.#work = order.kind === "do" ? order.work : undefined;
      this.#send(order);
    });
  }

  /** Has it stop what it does and end, by force where that takes long. */
  stop(): void {
    if (this.#doom) return;
    this.#doom = new InterruptedError();
    this.#send({ kind: "stop" });
    this.#killLater();
  }

  /** Ends it by force; what it does fails for this reason. */
  kill(reason: Error): void {
    this.#doom ??= reason;
    this.#forked.kill("SIGKILL");
  }

  /** Bytes of memory that it has. */
  memory(): number {
    if (process.platform !== "linux") return this.#bytes;
    try {
      const status = readFileSync(`/proc/${this.#forked.pid}/status`, "utf8");
      return 1024 * Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
    } catch {
      // It has ended, which is told elsewhere.
      return 0;
    }
  }

  /** Has it end, and waits for that. */
  async close(): Promise<void> {
    this.#doom ??= new InterruptedError();
    if (this.#forked.connected) this.#forked.disconnect();
    this.#killLater();
    await this.#ended;
  }

  /** Which work it is that tells how far something is. */
  #signed(event: AuditEvent): AuditEvent {
    const { kind } = event;
    return kind === "epoch" || kind === "progress"
      ? { ...event, work: this.#work }
      : event;
  }

  #settle(end: number | Error): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (end instanceof Error) answer?.failed(end);
    else answer?.done(end);
  }

  #send(order: Order): void {
    // Where it cannot be reached it has ended, which is told elsewhere.
    if (this.#forked.connected) this.#forked.send(order, () => {});
  }

  #killLater(): void {
    const timer = setTimeout(() => this.#forked.kill("SIGKILL"), GRACE);
    void this.#ended.then(() => clearTimeout(timer));
  }

  #lastComplaint(): string {
    // Below an error, Node writes where it was and its own version.
    const last = this.#complaints
      .split("\n")
      .findLast((text) => /^\w/.test(text) && !text.startsWith("Node.js v"));
    return last === undefined ? "" : `: ${last}`;
  }
}

function wayOut(code: number | null, signal: string | null): string {
  if (signal === null) return `ended with status ${code}`;
  return signal === "SIGKILL" || signal === "SIGTERM"
    ? `was killed (${signal})`
    : `crashed (${signal})`;
}
