import type { Family } from "#attacks";
import { type Attacking, attackAll } from "../attacking/index.ts";
import { compare } from "../judging/index.ts";
import { onSource, type PlannedCell } from "../plan/index.ts";
import type { Cell, Domain } from "../results/index.ts";
import type { Suite } from "../suite/index.ts";
import type { PreparedData } from "../tasks/index.ts";

/**
 * Robust accuracy on the target domain beside that on the source domain, where a
 * candidate may have lost it: the same attacks under the threat models of the
 * suite, on as many test samples of the source. Only the suite's own task has
 * labels there. The cells of the source are computed and judged as any other.
 *
 * @param cells those of the target
 */
export async function domains(
  plan: readonly PlannedCell[],
  cells: readonly Cell[],
  attacking: Attacking,
  { sourceAttacked }: PreparedData,
  suite: Suite,
  families: ReadonlyMap<string, Family>,
): Promise<Domain[]> {
  if (!sourceAttacked) return [];
  const planned = onSource(plan, suite);
  attacking.onEvent({ kind: "phase", title: "Attacking the source domain" });
  const found = await attackAll(
    planned.map((p) => ({ ...p, id: `${p.id} on the source` })),
    {
      ...attacking,
      benchOf: (id) => ({ ...attacking.benchOf(id), data: sourceAttacked }),
    },
  );
  const chosen = new Set(planned.map((p) => p.id));
  const sides = {
    target: cells.filter((c) => chosen.has(c.id)),
    source: found.cells,
  };
  // A shift keeps the samples and their order; other data are other samples.
  const paired = suite.sourceData === undefined;
  return compare(sides, paired, [...attacking.models.keys()], families);
}
