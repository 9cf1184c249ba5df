import { availableParallelism } from "node:os";
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { packagePath } from "#core";

/** What images become. */
export interface Wanted {
  /** As in the file when absent. */
  readonly size?: { readonly height: number; readonly width: number };
  /** As in the file when absent. */
  readonly channels?: 1 | 3;
  readonly pipeline?: Pipeline;
}

/** Resizing of the shorter side, then the centre. */
export interface Pipeline {
  readonly resize: number;
  readonly crop: number;
  readonly kernel: "bilinear" | "bicubic";
}

/** An image of 8 bits a channel, `[H, W, C]`. */
export interface Decoded {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly bytes: Uint8Array;
}

/** What a thread is asked for. */
export type Task = {
  /** Where it writes `[rows, C, H, W]`, unless a single image is asked for. */
  readonly bytes?: Uint8Array;
  /** Where it writes them as numbers too, 0 to 1. */
  readonly floats?: Float32Array | undefined;
} & (
  | {
      /** Images, by their paths or as they are encoded. */
      readonly files: readonly (string | Uint8Array)[];
      readonly wanted: Wanted;
      /** [C, H, W] */
      readonly shape?: readonly number[];
    }
  /** Rows of so many bytes of a file, where they begin at so many. */
  | {
      readonly file: string;
      readonly from: number;
      readonly rows: readonly number[];
      readonly size: number;
      /** What they are, where they are images that become what is wanted. */
      readonly raw?: Omit<Decoded, "bytes"> & { readonly isLast: boolean };
      readonly wanted?: Wanted;
    }
);

/** What went wrong with one of several. */
export interface Problem {
  readonly i: number;
  readonly why?: string;
  readonly code?: string;
  /** False where its content is that of no image. */
  readonly isImage?: boolean;
  /** It decodes to another shape. */
  readonly other?: Omit<Decoded, "bytes">;
}

/** What a thread found. */
export interface Answer {
  readonly image?: Decoded;
  /** SHA-256 of each row, 32 bytes each. */
  readonly hashes: Uint8Array;
  /** The first that went wrong. */
  readonly problem?: Problem;
}

/** A task that a thread works on. */
export interface Working {
  /** Blocks until it is done: nothing else of this thread goes on meanwhile. */
  wait(): Answer;
  done(): Promise<Answer>;
  readonly isDone: boolean;
}

/** Milliseconds after which a thread that says nothing is given up. */
const PATIENCE = 300_000;

/** How long threads wait for another task, in milliseconds. */
const IDLE = 2000;

let threads: Worker[] = [];
let next = 0;
let timer: NodeJS.Timeout | undefined;
const working = new Set<Working>();

/** How many tasks are worked on at once. */
export const THREADS = Math.min(4, availableParallelism());

/** Has the next thread work on a task. */
export function inThread(asked: Task): Working {
  const thread = take();
  const state = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  thread.postMessage({ task: asked, state, port: port2 }, [port2]);
  let known: Answer | undefined;
  const told = (answer: Answer) => {
    working.delete(task);
    known = answer;
    return answer;
  };
  const failed = () => {
    drop();
    return new Error("the thread that reads images broke off");
  };
  const task: Working = {
    get isDone() {
      return known !== undefined || Atomics.load(state, 0) === 1;
    },
    wait() {
      if (known) return known;
      Atomics.wait(state, 0, 0, PATIENCE);
      const said = receiveMessageOnPort(port1);
      port1.close();
      if (!said) throw failed();
      return told(said.message as Answer);
    },
    async done() {
      const answer = known ?? (await answerOf(thread, port1));
      if (!answer) throw failed();
      return told(answer);
    },
  };
  working.add(task);
  return task;
}

function answerOf(
  thread: Worker,
  port: MessagePort,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const end = (answer?: Answer) => {
      thread.off("exit", lost);
      port.close();
      resolve(answer);
    };
    const lost = () => end();
    port.once("message", end);
    thread.once("exit", lost);
  });
}

function take(): Worker {
  clearTimeout(timer);
  timer = setTimeout(rest, IDLE).unref();
  const at = next++ % THREADS;
  threads[at] ??= started();
  return threads[at] as Worker;
}

function started(): Worker {
  const thread = new Worker(packagePath("src/data/image-worker.mjs"), {
    stderr: true,
  });
  // It ends by itself: whoever waits for it finds that nothing comes.
  thread.on("error", () => {});
  thread.setMaxListeners(0);
  thread.unref();
  return thread;
}

/** Lets threads go that nobody waits for. */
function rest(): void {
  if ([...working].every((task) => task.isDone)) drop();
  else timer = setTimeout(rest, IDLE).unref();
}

function drop(): void {
  working.clear();
  for (const thread of threads) void thread?.terminate();
  threads = [];
}
