import type { EngineChoice } from "#engine";
import { openRun, type RunOptions } from "./open-run.ts";
import type { OpenWorks } from "./works/index.ts";

/** What a worker gets of a run, as it is sent between processes. */
export interface WorkerInput {
  readonly suite: RunOptions["suite"];
  readonly out: string;
  readonly only?: readonly string[];
  readonly set?: readonly string[];
  readonly hash: string;
  readonly smoke?: RunOptions["smoke"];
  readonly engine: Pick<EngineChoice, "engine" | "device">;
  readonly modules: RunOptions["modules"];
}

/** Opens a run in a worker, which its coordinator has opened and checked before. */
export const open: OpenWorks = (input, { onEvent, ...place }) =>
  openRun({
    ...(input as WorkerInput),
    ...place,
    isChecked: true,
    // What phase the run is in, its coordinator tells.
    onEvent: (event) => event.kind !== "phase" && onEvent(event),
  });
