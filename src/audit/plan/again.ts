import { counts } from "../counting.ts";
import { isFollowed, MAIN, type Suite } from "../suite/index.ts";
import { type PlannedCell, planCells } from "./cells.ts";

/** The cells that are computed on the source domain as well. */
export function onSource(
  plan: readonly PlannedCell[],
  { candidates, threatModels }: Suite,
): PlannedCell[] {
  const taskOf = (id: string) => candidates[id]?.task;
  return plan.filter(
    (p) =>
      counts(p) &&
      taskOf(p.candidate) === MAIN &&
      p.threatModel in threatModels,
  );
}

/** A cell along a fine-tuning. */
export interface Followable {
  readonly cell: PlannedCell;
  /** After about how many epochs it is computed. */
  readonly epochs: number;
  /** The last epoch that there can be. */
  readonly last: number;
}

/**
 * The cells that are computed again after epochs of their fine-tuning, after about how
 * many, and the last that there can be: a training may end early, and go on after
 * stages that end between.
 */
export function followedCells(suite: Suite): Followable[] {
  const { trajectory, candidates } = suite;
  if (!trajectory) return [];
  const { attack, threatModel, every } = trajectory;
  return planCells(suite)
    .filter(
      (p) =>
        p.defense === "none" &&
        p.attack === attack &&
        p.threatModel === threatModel &&
        isFollowed(suite, candidates[p.candidate]!),
    )
    .map((cell) => {
      const candidate = candidates[cell.candidate]!;
      const { epochs } =
        "settings" in candidate
          ? candidate.settings
          : (candidate.adaptation?.params ?? {});
      const last = Number(epochs ?? 0);
      return { cell, epochs: Math.ceil(last / every), last };
    });
}
