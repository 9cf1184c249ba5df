import { counts } from "../counting.ts";
import { isFollowed, MAIN, type Suite } from "../suite/index.ts";
import { type PlannedCell, planCells } from "./cells.ts";

/** The cells that are computed on the source domain as well. */
export function onSource(
  plan: readonly PlannedCell[],
  { candidates, threatModels }: Suite,
): PlannedCell[] {
  const taskOf = (id: string) => candidates[id]?.member?.task ?? MAIN;
  return plan.filter(
    (p) =>
      counts(p) &&
      taskOf(p.candidate) === MAIN &&
      p.threatModel in threatModels,
  );
}

/** The cells that are computed again after epochs of their fine-tuning, and after about how many: a training may end early, and go on after stages that end between. */
export function followedCells(
  suite: Suite,
): { cell: PlannedCell; epochs: number }[] {
  const { trajectory, candidates } = suite;
  if (!trajectory) return [];
  const { attack, threatModel, every } = trajectory;
  return planCells(suite)
    .filter(
      (p) =>
        p.defense === "none" &&
        p.attack === attack &&
        p.threatModel === threatModel &&
        isFollowed(suite, p.candidate),
    )
    .map((cell) => {
      const { strategy, epochs, adaptation } = candidates[cell.candidate]!;
      const trained = strategy ? epochs : adaptation?.params.epochs;
      return { cell, epochs: Math.ceil(Number(trained ?? 0) / every) };
    });
}
