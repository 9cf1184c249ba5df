import type { Compared } from "../results/index.ts";
import {
  newcombePaired,
  type Paired,
  samplesForPairs,
  successesOf,
} from "../statistics/index.ts";
import type { GateConfig, Limits } from "../suite/index.ts";
import type { Measured } from "./claim.ts";
import { type GateInput, named, type Place, selects } from "./input.ts";

import type { Unit } from "./text.ts";

type Rule = GateConfig[number];

/** A rule about regressions as one about each of the metrics that it limits. */
export function eachRegression(rule: Rule): Rule[] {
  if (!rule.regression) return [rule];
  const { robustAccuracy, cleanAccuracy, ...selectors } = rule.regression;
  return [
    ...(robustAccuracy
      ? [{ regression: { ...selectors, robustAccuracy } }]
      : []),
    ...(cleanAccuracy ? [{ regression: { ...selectors, cleanAccuracy } }] : []),
  ];
}

/** By how much less the run has than the baseline, of what both have alike. */
export const regressionSubjects = (
  limits: Limits["regression"],
  run: GateInput,
): Measured[] =>
  rowsOf(limits, run).flatMap((row): Measured[] => {
    const counts = countsOf(row);
    if (!counts) return [];
    const { paired, lost, gained, candidate, defense, threatModel } = row;
    const drop = (lost - gained) / paired;
    return [
      {
        name: nameOf(row),
        what: `The drop in ${words[row.metric]} since the baseline`,
        value: drop,
        isComparison: true,
        intervalAt: (confidence) => newcombePaired(counts, confidence),
        plan: (limit, tail) => {
          const samples = samplesForPairs(
            drop,
            (lost + gained) / paired,
            limit,
            tail,
          );
          return samples === null ? null : { samples };
        },
        basis: `Newcombe's paired interval, n = ${paired}`,
        unit: "points",
        trust: row.trust === "both" ? "trusted" : "not in both runs",
        of: [{ candidate, defense }],
        under: threatModel ?? undefined,
      },
    ];
  });

/** A number that a rule selects and that is not there, and why, as a sentence. */
export interface Empty {
  readonly name: string;
  readonly unit: Unit;
  readonly reason: string;
  /** The models that a rule would have judged by it. */
  readonly about?: readonly Place[];
}

/** What a rule about regressions selects and cannot be compared. */
export function notCompared({ regression }: Rule, run: GateInput): Empty[] {
  if (!regression) return [];
  if (!run.comparison)
    return [
      {
        name: "nothing",
        unit: "points",
        reason: "There is no baseline to compare with.",
      },
    ];
  return rowsOf(regression, run)
    .filter((row) => !countsOf(row))
    .map((row) => ({
      name: nameOf(row),
      unit: "points",
      about: [{ candidate: row.candidate, defense: row.defense }],
      reason: `The ${words[row.metric]} is not compared with the baseline: ${row.reason}. Save a new baseline if that is as it should be.`,
    }));
}

const words = {
  robustAccuracy: "robust accuracy",
  cleanAccuracy: "clean accuracy",
} as const;

/** The numbers of a comparison that a rule is about. What is new cannot be worse. */
const rowsOf = (
  limits: Limits["regression"],
  { comparison }: GateInput,
): Compared[] =>
  (comparison?.rows ?? []).filter(
    (row) =>
      limits[row.metric] !== undefined &&
      row.attack === null &&
      row.change !== "added" &&
      selects(limits, {
        candidate: row.candidate,
        defense: row.defense,
        threatModel:
          row.metric === "cleanAccuracy"
            ? limits.threatModel
            : (row.threatModel ?? undefined),
      }),
  );

const nameOf = ({ candidate, defense, threatModel }: Compared): string =>
  `${named(candidate, defense, threatModel)} since the baseline`;

/**
 * Samples by what the old and the new run did with them; null where none are compared
 * one by one.
 */
function countsOf({
  old,
  difference,
  paired,
  lost,
  gained,
}: Compared): Paired | null {
  if (!old || !difference || paired === 0) return null;
  const both = successesOf(old) - lost;
  return {
    both,
    onlyFirst: lost,
    onlySecond: gained,
    neither: paired - both - lost - gained,
  };
}
