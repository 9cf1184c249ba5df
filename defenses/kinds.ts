import type { ChosenDetector } from "./detector.ts";
import type { ChosenSanitizer } from "./sanitizer.ts";
import type { ChosenTextSanitizer } from "./text/sanitizer.ts";

/** A reactive defence with its parameters, and with what was fitted. */
export type ChosenDefense =
  | ChosenSanitizer
  | ChosenDetector
  | ChosenTextSanitizer;

/** A reactive defence as a suite names it. */
export type Reactive = ChosenDefense["unit"];

export const isDetector = (part: ChosenDefense): part is ChosenDetector =>
  part.unit.kind === "detector";

/** Whether a defence is a function of texts, which no graph can hold. */
export const isTextSanitizer = (
  part: ChosenDefense,
): part is ChosenTextSanitizer => part.unit.kind === "text-sanitizer";
