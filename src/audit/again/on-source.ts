import {
  type Attacking,
  attackAll,
  type ComputedCell,
} from "../attacking/index.ts";
import type { Workshop } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";

/**
 * Cells on the source domain: the same attacks under the threat models of the suite,
 * on as many test samples of the source. They are computed as any other.
 */
export async function attackSource(
  plan: readonly PlannedCell[],
  attacking: Attacking,
  { data: { sourceAttacked }, onEvent }: Workshop,
): Promise<ComputedCell[]> {
  if (plan.length === 0 || !sourceAttacked) return [];
  onEvent({ kind: "phase", title: "Attacking the source domain" });
  const found = await attackAll(
    plan.map((p) => ({ ...p, id: `${p.id} on the source` })),
    {
      ...attacking,
      benchOf: (id) => ({ ...attacking.benchOf(id), data: sourceAttacked }),
    },
  );
  return [...found.values()];
}
