import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { packagePath } from "#core";
import { onnxruntime } from "#engine";
import { bestWorkers } from "./calibration/index.ts";
import { type ServeOptions, serveQueue } from "./queue/index.ts";

export interface ServeRunsOptions
  extends Pick<ServeOptions, "url" | "use" | "onLine" | "signal"> {
  /** Works at once; as many as do best on these cores when left out. */
  readonly concurrency?: number;
  /** Threads of each; the cores, shared out, when left out. */
  readonly threads?: number;
}

/**
 * Does works of whatever runs are in a queue, until the signal.
 *
 * @throws as `serveQueue` does
 */
export async function serveRuns({
  concurrency,
  threads,
  ...options
}: ServeRunsOptions): Promise<void> {
  const split =
    concurrency === undefined
      ? await bestWorkers(onnxruntime.title)
      : {
          workers: concurrency,
          threads: Math.max(
            1,
            Math.floor(availableParallelism() / concurrency),
          ),
        };
  await serveQueue({
    ...options,
    concurrency: split.workers,
    threads: threads ?? split.threads,
    module: pathToFileURL(packagePath("dist/src/audit/queue-worker.js")),
  });
}
