import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { Threads } from "./threads.ts";

/** What a thread writes into its state: not begun, begun, ended. */
const [NOTHING, BEGUN] = [0, 1];

/**
 * The most seconds for a thread to begin. They do not count as its own: on a busy
 * machine its start takes longer than what it is asked for.
 */
const START = 300;

/** What a thread answered. */
export interface Answer {
  readonly message: unknown;
}

/**
 * Asks a thread that is waited for here and now, and stopped where it takes too long or
 * too much memory. Its script writes 1 into `state` when it begins, posts its answer to
 * `port`, and writes 2; each with a notice.
 *
 * @param asked what it is told beside these
 * @param seconds from when it has begun
 * @returns undefined where nothing came of it
 */
export function waitedFor(
  threads: Threads,
  asked: object,
  seconds: number,
): Answer | undefined {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const thread = threads.take();
  thread.postMessage({ ...asked, state, port: port2 }, [port2]);
  Atomics.wait(state, 0, NOTHING, 1000 * START);
  const ended = Atomics.wait(state, 0, BEGUN, 1000 * seconds);
  const said = receiveMessageOnPort(port1);
  port1.close();
  if (ended === "timed-out" || !said) {
    void thread.terminate();
    return undefined;
  }
  threads.keep(thread);
  return said as Answer;
}
