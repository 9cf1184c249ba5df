import { parentPort, workerData } from "node:worker_threads";
import { type AuditEvent, type AuditOptions, runAudit, runShard } from "#audit";
import { sentError } from "#core";
import { tryModel } from "./first-run.ts";
import type { WorkerInput, WorkerMessage } from "./in-worker.ts";

// The other side of in-worker.ts: runs the audit where blocking does no harm.
const port = parentPort;
if (!port) throw new Error("worker.ts runs as a worker thread");
const { engine, device, shard, ...input } = workerData as WorkerInput;
const abort = new AbortController();
port.on("message", () => abort.abort());
const send = (message: WorkerMessage) => port.postMessage(message);

const onEvent = (event: AuditEvent) => send({ kind: "event", event });
const options: AuditOptions = {
  ...input,
  engine: { engine, device },
  signal: abort.signal,
  tryModel: (path, options, gradient) =>
    tryModel(path, options, gradient, abort.signal),
  onEvent,
};
(shard ? runShard(options, shard) : runAudit(options))
  .then((found) => send({ kind: "ended", found }))
  .catch((error: unknown) => send({ kind: "error", error: sentError(error) }))
  .finally(() => port.close());
