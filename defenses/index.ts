import type { TrainingDefense } from "#tuning";
import type { Sanitizer } from "./sanitizer.ts";
import { bitDepth } from "./sanitizers/bit-depth.ts";
import { median } from "./sanitizers/median.ts";
import { pgdAt } from "./training/pgd-at.ts";

/** Every reactive defence. A new one is a file and a line here. */
export const sanitizers = [bitDepth, median] as unknown as readonly Sanitizer[];

/** Every proactive defence. A new one is a file and a line here. */
export const trainingDefenses = [
  pgdAt,
] as unknown as readonly TrainingDefense[];

export { type ChosenSanitizer, defend, type Sanitizer } from "./sanitizer.ts";
