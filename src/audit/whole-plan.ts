import { onSource } from "./domains.ts";
import { foresee } from "./foresee.ts";
import { checkGateNames, namesOf } from "./gate.ts";
import {
  budgetsOf,
  checkReferences,
  type PlannedCell,
  planCells,
} from "./plan.ts";
import type { PreparedData } from "./prepare.ts";
import { prepareData } from "./prepare.ts";
import type { LoadedSuite } from "./suite.ts";
import { followedCells } from "./trajectory.ts";
import { checkTrials, type PlannedTrial, planTrials } from "./trials/plan.ts";

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
  foresee({ loaded, data });
  return data;
}
