import { type OpenWorks, openQueuedRun } from "#audit";
import { tryModel } from "./first-run.ts";

// What a process of `assay worker` imports to do works of a run.

export const open: OpenWorks = (input, place) =>
  openQueuedRun(input, {
    ...place,
    tryModel: (path, options) => tryModel(path, options, place.signal),
  });
