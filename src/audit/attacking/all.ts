import type { OnEvent } from "../events.ts";
import type { ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import type { Cell } from "../results/index.ts";
import { type Evidence, isTrusted, trustChecks } from "../trust/index.ts";
import { type Bench, release } from "./bench.ts";
import { type ComputedCell, computeCell } from "./cell.ts";

/** What computing the cells of a plan needs. */
export interface Attacking {
  readonly models: ReadonlyMap<string, ReadyModel>;
  benchOf(candidate: string): Bench;
  /** What the preflight found of each candidate. */
  readonly faults: ReadonlyMap<string, readonly string[]>;
  /** Path of the suite, as the user gave it. */
  readonly suite: string;
  readonly onEvent: OnEvent;
}

/** The cells of a plan, and what was kept of each. */
export interface Attacked {
  readonly cells: Cell[];
  readonly computed: ReadonlyMap<string, ComputedCell>;
}

/** Computes every cell of a plan, or takes it from the store, and judges each by the others. */
export async function attackAll(
  plan: readonly PlannedCell[],
  { models, benchOf, faults, suite, onEvent }: Attacking,
): Promise<Attacked> {
  const computed = await computeAll(plan, models, benchOf, onEvent);
  const evidence = plan.map(
    (p): Evidence => ({
      ...(computed.get(p.id) as ComputedCell).evidence,
      faults: faults.get(p.candidate) ?? [],
    }),
  );
  const cells = plan.map((p, i): Cell => {
    const { cell } = computed.get(p.id) as ComputedCell;
    const checks = trustChecks(evidence[i]!, evidence);
    return {
      ...cell,
      trusted: isTrusted(checks),
      checks,
      reproduce: `npx assay run ${suite} --only '${p.id}'`,
    };
  });
  return { cells, computed };
}

async function computeAll(
  plan: readonly PlannedCell[],
  models: ReadonlyMap<string, ReadyModel>,
  benchOf: (candidate: string) => Bench,
  onEvent: OnEvent,
): Promise<Map<string, ComputedCell>> {
  const computed = new Map<string, ComputedCell>();
  let current = "";
  for (const planned of plan) {
    const bench = benchOf(planned.candidate);
    if (planned.candidate !== current) await release(bench);
    current = planned.candidate;
    const { reused, ...result } = await computeCell(
      planned,
      models.get(planned.candidate) as ReadyModel,
      bench,
    );
    computed.set(planned.id, result);
    onEvent({
      kind: "cell",
      cell: planned.id,
      done: computed.size,
      total: plan.length,
      robustAccuracy: result.cell.robustAccuracy,
      reused,
    });
  }
  return computed;
}
