import { Worker } from "node:worker_threads";
import { packagePath } from "#core";

/**
 * How long a thread may read one file: so many seconds, and as many again for each
 * of so many bytes. Tests of what never ends wait less long for it.
 */
export const patience = { seconds: 5, bytes: 2 ** 22 };

/** Seconds that a thread may read a file of so many bytes. */
export const secondsFor = (bytes: number): number =>
  patience.seconds * (1 + Math.floor(bytes / patience.bytes));

/** How long a thread waits for another file, in milliseconds. */
const IDLE = 1000;

/** Threads of one script, each of which reads one file at a time and can be stopped. */
export interface Threads {
  take(): Worker;
  /** Takes back one that did what it was asked for; others are terminated. */
  keep(thread: Worker): void;
}

/**
 * Threads that run a script of the package. One is kept for a while after its file:
 * starting it takes longer than reading most files.
 *
 * @param megabytes of memory that one may take
 */
export function threadsOf(script: string, megabytes: number): Threads {
  let kept: Worker | undefined;
  let timer: NodeJS.Timeout | undefined;
  const drop = () => {
    clearTimeout(timer);
    void kept?.terminate();
    kept = undefined;
  };
  return {
    take() {
      clearTimeout(timer);
      const thread =
        kept ??
        new Worker(packagePath(script), {
          resourceLimits: { maxOldGenerationSizeMb: megabytes },
          stderr: true,
        });
      kept = undefined;
      thread.removeAllListeners();
      // It ends by a limit: whoever waits for it finds that nothing comes.
      thread.on("error", () => {});
      thread.ref();
      return thread;
    },
    keep(thread) {
      drop();
      kept = thread;
      thread.unref();
      timer = setTimeout(drop, IDLE).unref();
    },
  };
}
