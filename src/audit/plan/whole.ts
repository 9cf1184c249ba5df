import { checkGateNames, type LoadedSuite, namesOf } from "../suite/index.ts";
import { type PreparedData, prepareData } from "../tasks/index.ts";
import { followedCells, onSource } from "./again.ts";
import { budgetsOf, type PlannedCell, planCells } from "./cells.ts";
import { foresee } from "./foresee.ts";
import { checkReferences } from "./references.ts";
import { checkTrials, type PlannedTrial, planTrials } from "./trials.ts";

/** All that a run of a suite computes. */
export interface Plan {
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

/** The plan of a suite whose names all refer to something. */
export function planSuite({ suite, file }: LoadedSuite): Plan {
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
  const cells = planCells(suite);
  return {
    cells,
    trials: planTrials(suite),
    alongTraining: followedCells(suite),
    onSource: suite.attackSource ? onSource(cells, suite) : [],
  };
}

/** Reads the data of a suite, and refuses what it and the models show to be impossible. */
export async function prepareSuite(loaded: LoadedSuite): Promise<PreparedData> {
  const data = await prepareData(loaded);
  await foresee({ loaded, data });
  return data;
}
