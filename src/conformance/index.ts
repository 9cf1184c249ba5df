/**
 * The laws that every unit of a kind keeps, ours among them, for any runner of tests:
 *
 *     for (const { title, check } of attackLaws(mine)) test(title, check);
 *
 * They run on a small network and the built-in 8x8 digits, in seconds for a unit that
 * is not slow itself, and throw plain errors.
 *
 * @module assay/conformance
 */
import { type Kind, kindOf, type UnitOf } from "#units";
import { attackLaws, type LawOptions } from "./attacks.ts";
import { detectorLaws } from "./detectors.ts";
import type { Law } from "./law.ts";
import { repairLaws } from "./repairs.ts";
import { sanitizerLaws } from "./sanitizers.ts";
import { scheduleLaws } from "./schedules.ts";
import { strategyLaws } from "./strategies.ts";
import { textAttackLaws } from "./text-attacks.ts";
import { trainingDefenseLaws } from "./training-defenses.ts";

const laws: {
  readonly [K in Kind]?: (unit: UnitOf<K>, options?: LawOptions) => Law[];
} = {
  attack: attackLaws,
  "text attack": textAttackLaws,
  sanitizer: sanitizerLaws,
  detector: detectorLaws,
  "training defence": trainingDefenseLaws,
  repair: repairLaws,
  strategy: strategyLaws,
  schedule: scheduleLaws,
};

/**
 * The laws of a unit that was made by `assay/units`, whatever its kind; none of a kind
 * whose laws need more than the unit.
 *
 * @example
 * ```ts
 * import { lawsOf } from "assay/conformance";
 * import { units } from "./random-points.ts";
 *
 * for (const unit of units)
 *   for (const { check } of lawsOf(unit, { params: { tries: 5 } })) await check();
 * ```
 */
export function lawsOf(unit: object, options?: LawOptions): Law[] {
  const kind = kindOf(unit);
  return (kind && laws[kind]?.(unit as never, options)) ?? [];
}

export { attackLaws, type LawOptions } from "./attacks.ts";
export { dataSourceLaws } from "./data-sources.ts";
export { type DetectorOptions, detectorLaws } from "./detectors.ts";
export type { Law } from "./law.ts";
export { type RepairOptions, repairLaws } from "./repairs.ts";
export { reporterLaws } from "./reporters.ts";
export { type SanitizerOptions, sanitizerLaws } from "./sanitizers.ts";
export { scheduleLaws } from "./schedules.ts";
export { strategyLaws } from "./strategies.ts";
export { textAttackLaws } from "./text-attacks.ts";
export { trainingDefenseLaws } from "./training-defenses.ts";
