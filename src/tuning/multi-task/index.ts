import { fixed } from "./fixed.ts";
import { gradnorm } from "./gradnorm.ts";
import { pcgrad } from "./pcgrad.ts";
import { uncertainty } from "./uncertainty.ts";
import type { Weighting } from "./weighting.ts";

/** Every way to weigh tasks. A new one is a file and a line here. */
export const weightings: readonly Weighting[] = [
  fixed,
  uncertainty,
  gradnorm,
  pcgrad,
];

export { jointDataset, placesOf, type TaskSamples } from "./joint-dataset.ts";
export { manyTasks } from "./many-tasks.ts";
export type { Weighting } from "./weighting.ts";
