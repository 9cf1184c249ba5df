import { AssayError } from "#core";
import type { OnEvent } from "./events.ts";
import { judged } from "./judged.ts";
import { openRun, type RunOptions } from "./open-run.ts";
import { type QueueChoice, queueHands } from "./queued-run.ts";
import type { Results } from "./results/index.ts";
import { type Failure, ownHands, perform } from "./works/index.ts";

export interface AuditOptions extends RunOptions {
  /** Where works are done; in this process when left out. */
  readonly queue?: QueueChoice;
}

/**
 * Runs a suite: plans all works, has them performed, and judges what was found.
 * Everything that is finished is kept under the hash of what it depends on, so the
 * same call after an interruption goes on where it stopped.
 *
 * @throws UsageError for a suite that cannot be run, InterruptedError when
 *   the signal aborts
 */
export async function runAudit(options: AuditOptions): Promise<Results> {
  const startedAt = new Date();
  const warnings = new Set<string>();
  const onEvent: OnEvent = (event) => {
    if (event.kind === "warning") warnings.add(event.message);
    options.onEvent?.(event);
  };
  const { signal } = options;
  const opened = await openRun({ ...options, onEvent });
  const { loaded, graph, shop } = opened;
  const { store } = shop;
  const hands = options.queue
    ? await queueHands(options.queue, opened, { ...options, onEvent })
    : ownHands();
  let failures: Failure[];
  try {
    failures = await perform(graph.works, { hands, store, onEvent, signal });
  } finally {
    await hands.close();
  }
  const found = graph.found();
  const [failed] = failures;
  // Without a candidate there is nothing to report on.
  if (failed && found.candidates.length === 0)
    throw new AssayError(failed.code, failed.message, failed.hint);
  return judged(
    {
      ...found,
      warnings: [...found.warnings, ...warnings],
      failures,
      missing: graph.missing(failures),
      timing: since(startedAt),
    },
    loaded,
  );
}

function since(start: Date): Results["timing"] {
  const end = new Date();
  return {
    startedAt: start.toISOString(),
    finishedAt: end.toISOString(),
    seconds: (end.getTime() - start.getTime()) / 1000,
  };
}
