import { Worker } from "node:worker_threads";
import type {
  AuditEvent,
  AuditOptions,
  OnEvent,
  QueueChoice,
  Results,
  RunOptions,
  runShard,
  Shard,
} from "#audit";
import { AssayError, packagePath, revived, type SentError } from "#core";
import type { EngineChoice } from "#engine";

export interface WorkerInput {
  readonly suite: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly smoke?: RunOptions["smoke"];
  readonly use?: boolean;
  readonly set?: readonly string[];
  readonly hash?: string;
  readonly engine?: EngineChoice["engine"];
  readonly device?: EngineChoice["device"];
  readonly workers?: number | "auto";
  readonly queue?: QueueChoice;
  /** Only this part of the run; all of it when left out. */
  readonly shard?: Shard;
  readonly limits?: RunOptions["limits"];
  readonly baseline?: AuditOptions["baseline"];
  readonly retryFailed?: boolean;
  readonly failFast?: boolean;
}

/** What a shard comes to. */
export type ShardDone = Awaited<ReturnType<typeof runShard>>;

export type WorkerMessage =
  | { kind: "event"; event: AuditEvent }
  | { kind: "ended"; found: Results | ShardDone }
  | { kind: "error"; error: SentError };

/**
 * Runs an audit in a worker thread: onnxruntime blocks the thread it runs on,
 * and the terminal has to stay alive.
 *
 * @param signal stops it at the next step; what is finished is kept
 */
export const runInWorker = (
  input: Omit<WorkerInput, "shard">,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<Results> => inWorker(input, onEvent, signal);

/** The same of one shard of a run. */
export const shardInWorker = (
  input: WorkerInput & { readonly shard: Shard },
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<ShardDone> => inWorker(input, onEvent, signal);

function inWorker<T extends Results | ShardDone>(
  input: WorkerInput,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(packagePath("dist/src/cli/worker.js"), {
      workerData: input,
    });
    signal.addEventListener("abort", () => worker.postMessage("stop"), {
      once: true,
    });
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "event") onEvent(message.event);
      else if (message.kind === "ended") resolve(message.found as T);
      else reject(revived(message.error));
    });
    worker.on("error", reject);
    worker.on("exit", (code) =>
      reject(
        new AssayError(
          "WORKER_EXIT",
          `the audit ended without a result (code ${code})`,
          "Run the same command again; what is finished is kept.",
        ),
      ),
    );
  });
}
