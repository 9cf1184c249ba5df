import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

// A thread that ends its process when it takes too long or too much memory, whatever
// holds the other thread: native code, a regular expression, or a loop without an end.

/** Milliseconds between two looks. */
const PAUSE = 50;

const limits: Float64Array = workerData;
const parent = process.ppid;
let taken = 0;
let before = performance.now();

function look(): void {
  const now = performance.now();
  // Time for which the process was stopped does not count.
  taken += Math.min(now - before, 10 * PAUSE) / 1000;
  before = now;
  const [seconds = 0, bytes = 0] = limits;
  if (process.ppid !== parent) end("");
  if (taken > seconds) end(`${Number(seconds.toPrecision(2))} s`);
  if (process.memoryUsage.rss() > bytes)
    end(`${Number((bytes / 2 ** 30).toPrecision(2))} GB of memory`);
}

look();
parentPort?.postMessage("looked");
setInterval(look, PAUSE);

function end(why: string): void {
  writeSync(1, why);
  process.kill(process.pid, "SIGKILL");
}
