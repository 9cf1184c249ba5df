import type { TrialAttack } from "#attacks";
import { type Chosen, UsageError } from "#core";
import type { Remedy } from "#defenses";
import { isNamed, type Suite } from "../suite/index.ts";
import { lackOf } from "./needs.ts";

/** One trial before it is run. */
export interface PlannedTrial {
  /** "candidate/repair/trial". */
  readonly id: string;
  readonly candidate: string;
  readonly repair: string;
  readonly parts: readonly Chosen<Remedy>[];
  readonly trial: string;
  readonly chosen: Chosen<TrialAttack>;
}

/**
 * The trials of a suite: for each candidate every attack on its fine-tuning,
 * without a repair and behind each one, where it can be tried.
 */
export function planTrials(suite: Suite): PlannedTrial[] {
  const repairs: [string, readonly Chosen<Remedy>[]][] = [
    ["none", []],
    ...Object.entries(suite.repairs),
  ];
  return Object.values(suite.candidates).flatMap((candidate) =>
    Object.entries(suite.trials).flatMap(([trial, asked]) => {
      const { attack: chosen, candidates, repairs: named } = asked;
      if (!isNamed(candidates, candidate)) return [];
      if (lackOf(chosen, { suite, candidate })) return [];
      return repairs
        .filter(([repair]) => !named || named.includes(repair))
        .filter(
          ([, parts]) => candidate.kind === "tuned" || !parts.some(isFilter),
        )
        .filter(([, parts]) => chosen.unit.trainsOn || !parts.some(isServed))
        .map(([repair, parts]) => ({
          id: `${candidate.id}/${repair}/${trial}`,
          candidate: candidate.id,
          repair,
          parts,
          trial,
          chosen,
        }));
    }),
  );
}

/**
 * Whether a repair cleans the fine-tuning set, so that a candidate is tuned again
 * on what it leaves.
 */
const isFilter = ({ unit }: Chosen<Remedy>) => unit.kind === "filter";

/**
 * Whether it stands over trainings on data of others, or repairs what comes of them.
 */
const isServed = ({ unit }: Chosen<Remedy>) =>
  unit.kind === "training" || unit.kind === "restore";

/**
 * Refuses a trial that can be tried on no candidate, or not on one that it names, or
 * behind a repair on none.
 */
export function checkTrials(suite: Suite, file: string): void {
  const all = Object.values(suite.candidates);
  for (const [trial, spec] of Object.entries(suite.trials)) {
    const { attack, candidates, repairs } = spec;
    for (const name of candidates ?? [undefined]) {
      const meant = all.filter((candidate) =>
        isNamed(name === undefined ? undefined : [name], candidate),
      );
      const lacks = meant.map((candidate) =>
        lackOf(attack, { suite, candidate }),
      );
      if (lacks.includes(null)) continue;
      throw new UsageError(
        "TRIAL_CANDIDATES",
        `${file}: trials.${trial}: ${attack.unit.id} cannot be tried on ${name ?? "any candidate"}: it ${lacks[0]?.what}`,
        "Name other candidates for it, or leave it out.",
      );
    }
    const tried = planTrials(suite).filter((p) => p.trial === trial);
    const served = (name: string) =>
      !attack.unit.trainsOn && suite.repairs[name]?.some(isServed);
    const idle = (repairs ?? Object.keys(suite.repairs)).find(
      (name) =>
        !tried.some((p) => p.repair === name) && (repairs || !served(name)),
    );
    if (idle !== undefined)
      throw new UsageError(
        "TRIAL_REPAIRS",
        served(idle)
          ? `${file}: trials.${trial}: repair "${idle}" stands over further training, and ${attack.unit.id} does not train`
          : `${file}: trials.${trial}: repair "${idle}" cleans the fine-tuning set, and no candidate of the trial can be tuned again`,
        "Name other repairs for it, such as repairs: [none].",
      );
  }
}
