import type { ChosenDetector } from "./detector.ts";
import type { ChosenSanitizer } from "./sanitizer.ts";

/** A reactive defence with its parameters, and with what was fitted. */
export type ChosenDefense = ChosenSanitizer | ChosenDetector;

/** A reactive defence as a suite names it. */
export type Reactive = ChosenDefense["unit"];

export const isDetector = (part: ChosenDefense): part is ChosenDetector =>
  part.unit.kind === "detector";
