import type { TrialAttack } from "#attacks";
import type { Chosen } from "#core";
import type { Repair } from "#defenses";
import type { Suite } from "../suite.ts";
import { isTunable } from "./victim.ts";

/** One trial before it is run. */
export interface PlannedTrial {
  /** "candidate/repair/trial". */
  readonly id: string;
  readonly candidate: string;
  readonly repair: string;
  readonly parts: readonly Chosen<Repair>[];
  readonly trial: string;
  readonly chosen: Chosen<TrialAttack>;
}

/**
 * The trials of a suite: for each candidate every attack on its fine-tuning,
 * without a repair and behind each one. What has to be tuned again is tried on
 * candidates that the suite tunes.
 */
export function planTrials(suite: Suite): PlannedTrial[] {
  const repairs: [string, readonly Chosen<Repair>[]][] = [
    ["none", []],
    ...Object.entries(suite.repairs),
  ];
  return Object.entries(suite.candidates).flatMap(([candidate, spec]) =>
    Object.entries(suite.trials).flatMap(([trial, asked]) => {
      const { attack: chosen, candidates, repairs: named } = asked;
      const names = [candidate, spec.replica?.of, spec.member?.of];
      if (candidates && !candidates.some((c) => names.includes(c))) return [];
      if (chosen.unit.needsTuning && !isTunable(spec)) return [];
      return repairs
        .filter(([repair]) => !named || named.includes(repair))
        .map(([repair, parts]) => ({
          id: `${candidate}/${repair}/${trial}`,
          candidate,
          repair,
          parts,
          trial,
          chosen,
        }));
    }),
  );
}
