import type { TrainingDefense } from "#tuning";
import type { Sanitizer } from "./sanitizer.ts";
import { bitDepth } from "./sanitizers/bit-depth.ts";
import { gaussian } from "./sanitizers/gaussian.ts";
import { gaussianNoise } from "./sanitizers/gaussian-noise.ts";
import { jpeg } from "./sanitizers/jpeg.ts";
import { mean } from "./sanitizers/mean.ts";
import { median } from "./sanitizers/median.ts";
import { nonLocalMeans } from "./sanitizers/non-local-means.ts";
import { pca } from "./sanitizers/pca.ts";
import { resizePad } from "./sanitizers/resize-pad.ts";
import { testTimeAugmentation } from "./sanitizers/test-time-augmentation.ts";
import { totalVariation } from "./sanitizers/total-variation.ts";
import { pgdAt } from "./training/pgd-at.ts";

/** Every reactive defence. A new one is a file and a line here. */
export const sanitizers = [
  bitDepth,
  median,
  mean,
  gaussian,
  nonLocalMeans,
  jpeg,
  totalVariation,
  pca,
  gaussianNoise,
  resizePad,
  testTimeAugmentation,
] as unknown as readonly Sanitizer[];

/** Every proactive defence. A new one is a file and a line here. */
export const trainingDefenses = [
  pgdAt,
] as unknown as readonly TrainingDefense[];

export { defend } from "./defend.ts";
export type { Fit, FitInput, Fitted } from "./fit.ts";
export type { ChosenSanitizer, Parts, Sanitizer } from "./sanitizer.ts";
