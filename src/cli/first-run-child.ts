import { once } from "node:events";
import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { sentError } from "#core";
import { onnxruntime } from "#engine";
import { filesOf, firstRun, inspectModel } from "#model";
import type { FirstRun, FirstRunMessage } from "./first-run.ts";

// The other side of first-run.ts: opens and runs a model where its end does no harm.

/** Seconds and bytes of memory that a model may take besides what its size explains. */
const SECONDS = 60;
const BYTES = 2 ** 32;

process.on("disconnect", () => process.exit());
// That may have been before this line.
if (process.connected === false) process.exit();
const [told] = (await once(process, "message")) as [FirstRun];
const { path, options, what, stated } = told;

const limits = new Float64Array(new SharedArrayBuffer(16));
const allow = (files: readonly string[]) => {
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  limits[0] = stated.seconds ?? SECONDS + size / 1e6;
  limits[1] = stated.bytes ?? BYTES + 8 * size;
};
allow([path]);
const watch = new Worker(new URL("./watch.js", import.meta.url), {
  workerData: limits,
});
// It has looked once.
await once(watch, "message");

const files = filesOrOwn();
allow(files);
const said: FirstRunMessage =
  what === "inspect" ? await inspected() : await tried();
process.send?.(said, () => process.exit());

async function tried(): Promise<FirstRunMessage> {
  await firstRun(path, options, what === "gradient");
  return { files };
}

async function inspected(): Promise<FirstRunMessage> {
  try {
    const inspection = await inspectModel(path, onnxruntime, options);
    // Without a gradient nothing has run it.
    if (inspection.gradient.selfCheck === null)
      await firstRun(path, options, false);
    return { inspection };
  } catch (error) {
    return { error: sentError(error) };
  }
}

function filesOrOwn(): readonly string[] {
  try {
    return filesOf(path);
  } catch {
    // It is refused, with its reason, by whoever opens it in earnest.
    return [path];
  }
}
