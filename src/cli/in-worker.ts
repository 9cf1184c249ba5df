import { Worker } from "node:worker_threads";
import type { AuditEvent, OnEvent, Results } from "#audit";
import { AssayError, InterruptedError, UsageError } from "#core";
import type { EngineChoice } from "#engine";

export interface WorkerInput {
  readonly suite: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly engine?: EngineChoice["engine"];
  readonly device?: EngineChoice["device"];
}

export type WorkerMessage =
  | { kind: "event"; event: AuditEvent }
  | { kind: "results"; results: Results }
  | {
      kind: "error";
      name: string;
      code: string;
      message: string;
      hint: string;
      stack: string;
    };

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
      else reject(revive(message));
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

/** Errors lose their class on the way between threads. */
function revive({
  name,
  code,
  message,
  hint,
  stack,
}: Extract<WorkerMessage, { kind: "error" }>): Error {
  if (name === "InterruptedError") return new InterruptedError();
  const said = message.split("\n");
  if (name === "UsageError") return new UsageError(code, said, hint);
  if (name === "AssayError") return new AssayError(code, said, hint);
  const error = new Error(message);
  error.stack = stack;
  return error;
}
