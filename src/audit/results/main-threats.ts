import type { Cell } from "./cells.ts";

/**
 * The budgets that were named in the suite's threat models: those that more than one
 * attack was run at, or all if none was.
 */
export function mainThreats<T extends { readonly id: string }>({
  threatModels,
  cells,
}: {
  readonly threatModels: readonly T[];
  readonly cells: readonly Pick<Cell, "attack" | "threatModel">[];
}): T[] {
  const attacksAt = (id: string) =>
    new Set(cells.filter((c) => c.threatModel.id === id).map((c) => c.attack))
      .size;
  const run = threatModels.filter(({ id }) => attacksAt(id) > 0);
  const many = run.filter(({ id }) => attacksAt(id) > 1);
  return many.length > 0 ? many : run;
}
