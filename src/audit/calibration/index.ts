export { type Pass, passOf } from "./pass.ts";

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { packagePath } from "#core";
import { type Remembered, remembered, type Split } from "../works/index.ts";

/**
 * How the cores of this machine are best shared out among workers: what so many get
 * done together that attack a small network. It is measured once, in about two seconds,
 * and remembered.
 *
 * @param engine its title
 * @param memory what is remembered of it, where that is open already
 */
export async function bestWorkers(
  engine: string,
  memory: Remembered = remembered(engine),
): Promise<Split> {
  const split = await memory.split(stepsOf);
  memory.save();
  return split;
}

/** Attack steps a second of all workers together. */
async function stepsOf(
  { workers, threads }: Split,
  seconds: number,
): Promise<number> {
  const all = Array.from(
    { length: workers },
    () =>
      new Worker(packagePath("dist/src/audit/calibration/thread.js"), {
        workerData: { threads, seconds },
      }),
  );
  await Promise.all(all.map((worker) => once(worker, "message")));
  const rates = all.map((worker) => once(worker, "message"));
  for (const worker of all) worker.postMessage("go");
  const found = (await Promise.all(rates)) as [number][];
  return found.reduce((sum, [rate]) => sum + rate, 0);
}
