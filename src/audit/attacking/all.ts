import type { ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { type Attacking, release } from "./bench.ts";
import { type ComputedCell, computeCell } from "./cell.ts";

/** What was attacked, and what is kept of each of its cells. */
export interface Attacked extends Attacking {
  readonly plan: readonly PlannedCell[];
  readonly computed: ReadonlyMap<string, ComputedCell>;
}

/**
 * Computes every cell of a plan, or takes it from the store; by their ids, in the
 * order of the plan.
 */
export async function attackAll(
  plan: readonly PlannedCell[],
  { models, benchOf }: Attacking,
): Promise<Map<string, ComputedCell>> {
  const computed = new Map<string, ComputedCell>();
  let current = "";
  for (const planned of plan) {
    const { id, candidate } = planned;
    const bench = benchOf(candidate);
    if (candidate !== current) await release(bench);
    current = candidate;
    const ready = models.get(candidate) as ReadyModel;
    const { reused, ...result } = await computeCell(planned, ready, bench);
    computed.set(id, result);
    bench.onEvent({
      kind: "cell",
      cell: id,
      done: computed.size,
      total: plan.length,
      robustAccuracy: result.cell.robustAccuracy,
      reused,
    });
  }
  return computed;
}
