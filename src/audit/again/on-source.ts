import {
  type BenchOf,
  type CellMaker,
  type ComputedCell,
  subjectOf,
} from "../attacking/index.ts";
import type { Look, Workshop } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import type { Failure, Work, Yields } from "../works/index.ts";

/**
 * Cells on the source domain: the same attacks under the threat models of the suite,
 * on as many test samples of the source. They are computed as any other.
 */
export function attackSource(
  plan: readonly PlannedCell[],
  looks: ReadonlyMap<string, Yields<Look>>,
  maker: CellMaker,
  benchOf: BenchOf,
  { data: { sourceAttacked } }: Workshop,
): {
  readonly works: readonly Work[];
  /** @param failures why works have no result */
  found(failures: readonly Failure[]): ComputedCell[];
} {
  if (!sourceAttacked) return { works: [], found: () => [] };
  const cells = plan.map((planned) => {
    const { candidate } = planned;
    const bench = { ...benchOf(candidate), data: sourceAttacked };
    return maker.cell(
      { ...planned, id: `${planned.id} on the source`, isOnSource: true },
      subjectOf(candidate, bench),
      bench,
      [looks.get(candidate)!],
    );
  });
  return {
    works: cells.flatMap(({ works }) => works),
    found: (failures) => cells.flatMap((cell) => cell.found(failures) ?? []),
  };
}
