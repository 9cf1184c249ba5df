import { needsOf, UsageError } from "#core";
import { matches } from "#model";
import type { Known } from "../models/index.ts";
import {
  checkGateNames,
  groupsOf,
  type LoadedSuite,
  namesOf,
} from "../suite/index.ts";
import { type PreparedData, prepareData } from "../tasks/index.ts";
import { type Followable, followedCells, onSource } from "./again.ts";
import { budgetsOf, type PlannedCell, planCells } from "./cells.ts";
import { decisionsOf, type PlannedDecision } from "./decided.ts";
import { foresee } from "./foresee.ts";
import { isOnlyMeasured } from "./kinds.ts";
import { checkReferences } from "./references.ts";
import { checkTrials, type PlannedTrial, planTrials } from "./trials.ts";

/** All that a run of a suite computes. */
export interface Plan {
  /** Whether that is all of the suite, which alone has a verdict. */
  readonly complete: boolean;
  /** The candidates that are made. */
  readonly candidates: readonly string[];
  /** Whether a model that does not descend from the base is made too. */
  readonly unrelated: boolean;
  readonly cells: PlannedCell[];
  /** Cells whose samples are attacked until rules of the gate are decided. */
  readonly decisions: readonly PlannedDecision[];
  readonly trials: PlannedTrial[];
  /**
   * Cells that are computed again for the weights after epochs of a fine-tuning: after
   * about so many, up to the last that there can be.
   */
  readonly alongTraining: Followable[];
  /** Cells that are computed again on the source domain. */
  readonly onSource: PlannedCell[];
}

/**
 * The plan of a suite whose names all refer to something.
 *
 * @param only cells and trials whose ids match one of these patterns; all that there
 *   is when left out
 * @throws SUITE_INVALID, NO_CELLS where nothing matches
 */
export function planSuite(
  { suite, file, smoke }: LoadedSuite,
  only?: readonly string[],
): Plan {
  checkReferences(suite, file);
  checkGateNames(suite.gate, {
    candidates: namesOf(groupsOf(suite.candidates)),
    defenses: ["none", ...Object.keys(suite.defenses)],
    attacks: Object.keys(suite.attacks),
    threatModels: budgetsOf(suite).map((b) => b.id),
    trials: Object.keys(suite.trials),
    repairs: Object.keys(suite.repairs),
  });
  checkTrials(suite, file);
  const whole = planCells(suite);
  // What has no verdict decides nothing.
  const split = decisionsOf(suite, whole, file);
  const { cells: most, decisions } =
    only || smoke ? { cells: whole, decisions: [] } : split;
  const all = { cells: most, trials: planTrials(suite) };
  const { cells, trials } = only ? chosenOf(all, only, file) : all;
  const both = [
    ...cells,
    ...decisions.flatMap((decision) => decision.cells),
    ...trials,
  ];
  return {
    complete: !only,
    // What is not attacked is measured all the same.
    candidates: isOnlyMeasured(suite)
      ? Object.keys(suite.candidates)
      : [...new Set(both.map(({ candidate }) => candidate))],
    unrelated: both.some(({ chosen }) => needsOf(chosen).includes("unrelated")),
    cells,
    decisions,
    trials,
    alongTraining: only ? [] : followedCells(suite),
    onSource: suite.attackSource && !only ? onSource(cells, suite) : [],
  };
}

function chosenOf(
  { cells, trials }: Pick<Plan, "cells" | "trials">,
  only: readonly string[],
  file: string,
): Pick<Plan, "cells" | "trials"> {
  const isChosen = ({ id }: { id: string }) =>
    only.some((pattern) => matches(pattern, id));
  const chosen = {
    cells: cells.filter(isChosen),
    trials: trials.filter(isChosen),
  };
  if (chosen.cells.length + chosen.trials.length > 0) return chosen;
  throw new UsageError(
    "NO_CELLS",
    `no cell and no trial of ${file} matches ${only.join(", ")}`,
    `They are named like ${[...cells, ...trials][0]?.id}; * matches anything. \`assay plan\` lists them.`,
  );
}

/**
 * Reads the data of a suite, and refuses what it and the models show to be impossible.
 *
 * @param tryModel what models from outside go through first
 */
export async function prepareSuite(
  loaded: LoadedSuite,
  tryModel?: Known["tryModel"],
): Promise<PreparedData> {
  const data = await prepareData(loaded);
  await foresee({ loaded, data, tryModel });
  return data;
}
