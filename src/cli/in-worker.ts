import { Worker } from "node:worker_threads";
import type { AuditEvent, OnEvent, QueueChoice, Results } from "#audit";
import { AssayError, revived, type SentError } from "#core";
import type { EngineChoice } from "#engine";

export interface WorkerInput {
  readonly suite: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly engine?: EngineChoice["engine"];
  readonly device?: EngineChoice["device"];
  readonly queue?: QueueChoice;
}

export type WorkerMessage =
  | { kind: "event"; event: AuditEvent }
  | { kind: "results"; results: Results }
  | { kind: "error"; error: SentError };

/**
 * Runs an audit in a worker thread: onnxruntime blocks the thread it runs on,
 * and the terminal has to stay alive.
 *
 * @param signal stops it at the next step; what is finished is kept
 */
export function runInWorker(
  input: WorkerInput,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<Results> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: input,
    });
    signal.addEventListener("abort", () => worker.postMessage("stop"), {
      once: true,
    });
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "event") onEvent(message.event);
      else if (message.kind === "results") resolve(message.results);
      else reject(revived(message.error));
    });
    worker.on("error", reject);
    worker.on("exit", (code) =>
      reject(
        new AssayError(
          "WORKER_EXIT",
          `the audit ended without a result (code ${code})`,
          "Run the same command again; finished cells are kept.",
        ),
      ),
    );
  });
}
