import { needsOf, UsageError } from "#core";
import { matches } from "#model";
import {
  checkGateNames,
  type LoadedSuite,
  namesOf,
  type Suite,
} from "../suite/index.ts";
import { type PreparedData, prepareData } from "../tasks/index.ts";
import { followedCells, onSource } from "./again.ts";
import { budgetsOf, type PlannedCell, planCells } from "./cells.ts";
import { foresee } from "./foresee.ts";
import { isOnlyMeasured } from "./kinds.ts";
import { checkReferences } from "./references.ts";
import { checkTrials, type PlannedTrial, planTrials } from "./trials.ts";

/** All that a run of a suite computes. */
export interface Plan {
  /** Whether that is all of the suite. */
  readonly complete: boolean;
  /** The candidates that are made. */
  readonly candidates: readonly string[];
  /** Whether a model that does not descend from the base is made too. */
  readonly unrelated: boolean;
  readonly cells: PlannedCell[];
  readonly trials: PlannedTrial[];
  /** Cells that are computed again for the weights after epochs of a fine-tuning: after so many at most. */
  readonly alongTraining: {
    readonly cell: PlannedCell;
    readonly epochs: number;
  }[];
  /** Cells that are computed again on the source domain. */
  readonly onSource: PlannedCell[];
}

/**
 * The plan of a suite whose names all refer to something.
 *
 * @param only cells and trials whose ids match one of these patterns; all that there is when left out
 * @throws SUITE_INVALID, NO_CELLS where nothing matches
 */
export function planSuite(
  { suite, file }: LoadedSuite,
  only?: readonly string[],
): Plan {
  checkReferences(suite, file);
  checkGateNames(suite.gate, {
    candidates: namesOf(
      Object.entries(suite.candidates).map(([id, { replica, member }]) => ({
        id,
        replica,
        member,
      })),
    ),
    defenses: ["none", ...Object.keys(suite.defenses)],
    attacks: Object.keys(suite.attacks),
    threatModels: budgetsOf(suite).map((b) => b.id),
    trials: Object.keys(suite.trials),
    repairs: Object.keys(suite.repairs),
  });
  checkTrials(suite, file);
  const all = { cells: planCells(suite), trials: planTrials(suite) };
  if (only) {
    const chosen = {
      cells: select(all.cells, only),
      trials: select(all.trials, only),
    };
    const [first] = [...all.cells, ...all.trials];
    if (chosen.cells.length + chosen.trials.length === 0)
      throw new UsageError(
        "NO_CELLS",
        `no cell and no trial of ${file} matches ${only.join(", ")}`,
        `They are named like ${first?.id}; * matches anything. \`assay plan\` lists them.`,
      );
    return {
      complete: false,
      ...chosen,
      ...modelsFor(chosen, suite),
      alongTraining: [],
      onSource: [],
    };
  }
  return {
    complete: true,
    ...all,
    ...modelsFor(all, suite),
    alongTraining: followedCells(suite),
    onSource: suite.attackSource ? onSource(all.cells, suite) : [],
  };
}

const select = <T extends { id: string }>(
  all: readonly T[],
  only: readonly string[],
): T[] => all.filter(({ id }) => only.some((pattern) => matches(pattern, id)));

/** The models that cells and trials are about. What is not attacked is measured all the same. */
function modelsFor(
  { cells, trials }: Pick<Plan, "cells" | "trials">,
  suite: Suite,
): Pick<Plan, "candidates" | "unrelated"> {
  const all = [...cells, ...trials];
  return {
    candidates: isOnlyMeasured(suite)
      ? Object.keys(suite.candidates)
      : [...new Set(all.map(({ candidate }) => candidate))],
    unrelated: all.some(({ chosen }) => needsOf(chosen).includes("unrelated")),
  };
}

/** Reads the data of a suite, and refuses what it and the models show to be impossible. */
export async function prepareSuite(loaded: LoadedSuite): Promise<PreparedData> {
  const data = await prepareData(loaded);
  await foresee({ loaded, data });
  return data;
}
