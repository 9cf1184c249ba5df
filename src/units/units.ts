import {
  type Attack,
  attacks,
  type TextAttack,
  type TrialAttack,
  textAttacks,
  trialAttacks,
} from "#attacks";
import type { Explained } from "#core";
import { type Source, sources } from "#data";
import {
  type Detector,
  detectors,
  type Reactive,
  type Repair,
  repairs,
  type Sanitizer,
  sanitizers,
  type TextSanitizer,
  textSanitizers,
  trainingDefenses,
} from "#defenses";
import type { Reporter } from "#results";
import {
  type Schedule,
  type Strategy,
  schedules,
  strategies,
  type TrainingDefense,
} from "#tuning";

/** A trust check, as far as it is known below the audit, which judges by it. */
export interface Judge extends Explained {
  readonly id: string;
  readonly title: string;
  judge(cell: never, siblings: readonly never[]): unknown;
}

/** What suites can name and modules can add to, by kind. */
export interface Units {
  readonly attacks: readonly Attack[];
  readonly textAttacks: readonly TextAttack[];
  readonly trialAttacks: readonly TrialAttack[];
  readonly sanitizers: readonly Sanitizer[];
  readonly detectors: readonly Detector[];
  readonly textSanitizers: readonly TextSanitizer[];
  readonly trainingDefenses: readonly TrainingDefense[];
  readonly repairs: readonly Repair[];
  readonly strategies: readonly Strategy[];
  readonly schedules: readonly Schedule[];
  readonly sources: readonly Source[];
  /** Those of modules alone: our own stand with what judges, and with the reports. */
  readonly trustChecks: readonly Judge[];
  readonly reporters: readonly Reporter[];
}

/** Those that come with Assay. */
export const ownUnits: Units = {
  attacks,
  textAttacks,
  trialAttacks,
  sanitizers,
  detectors,
  textSanitizers,
  trainingDefenses,
  repairs,
  strategies,
  schedules,
  sources,
  trustChecks: [],
  reporters: [],
};

/** Every reactive defence. */
export const reactiveOf = ({
  sanitizers,
  detectors,
  textSanitizers,
}: Pick<
  Units,
  "sanitizers" | "detectors" | "textSanitizers"
>): readonly Reactive[] => [...sanitizers, ...detectors, ...textSanitizers];
