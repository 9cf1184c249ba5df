import { existsSync } from "node:fs";
import { AssayError } from "#core";
import type { EngineChoice } from "#engine";
import { openRun, type RunOptions } from "./open-run.ts";
import { atBorder, openDepot, type QueuedRun } from "./queue/index.ts";
import { type OpenWorks, openClaims } from "./works/index.ts";

/**
 * Opens a run as a worker of a queue does. What its coordinator has checked is not
 * checked again: a work has another record where anything is not the same here.
 *
 * @param input a `QueuedRun`, and whether suites may run code here
 * @throws RUN_APART where the suite, or a module that it uses, is not that of the run
 */
export const open: OpenWorks = async (input, { onEvent, ...place }) => {
  const {
    suite,
    bucket,
    engine,
    device,
    version: _,
    ...run
  } = input as QueuedRun & Pick<RunOptions, "use">;
  if (!existsSync(suite))
    throw new AssayError(
      "RUN_APART",
      `${suite} is not there`,
      "Start workers in a folder where suite, data and models have the same paths as where the run was started, and are the same.",
    );
  const { works, shop, tidy } = await openRun({
    ...{ suite, ...run, ...place },
    engine: { engine, device: device as EngineChoice["device"] },
    isChecked: true,
    // What phase the run is in, its coordinator tells.
    onEvent: (event) => event.kind !== "phase" && onEvent(event),
  });
  const { store } = shop;
  // Shows that somebody works on the folder: what is being written there is no litter.
  openClaims(store.folder);
  const depot = bucket ? await openDepot(bucket, store) : undefined;
  return {
    works: new Map(
      Array.from(works, ([id, work]) => [id, atBorder(work, store, depot)]),
    ),
    tidy,
  };
};
