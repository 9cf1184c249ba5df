import { Worker } from "node:worker_threads";
import { packagePath } from "#core";

/** How long a thread waits for another file, in milliseconds. */
const PATIENCE = 1000;

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
      timer = setTimeout(drop, PATIENCE).unref();
    },
  };
}
