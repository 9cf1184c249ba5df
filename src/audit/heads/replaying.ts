import type { Bench, ComputedCell } from "../attacking/index.ts";
import type { ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { type Cell, type CrossTask, countOf } from "../results/index.ts";
import { newcombePaired, rate } from "../statistics/index.ts";
import type { Suite } from "../suite/index.ts";
import type { TaskData } from "../tasks/index.ts";

/** What replaying needs to know of a run. */
export interface Replaying {
  readonly suite: Suite;
  readonly plan: readonly PlannedCell[];
  readonly cells: readonly Cell[];
  readonly models: ReadonlyMap<string, ReadyModel>;
  judged(candidate: string): TaskData;
  benchOf(candidate: string): Bench;
  /** What was kept of a cell. */
  computedOf(cell: string): ComputedCell;
  /** What the preflight found of each candidate. */
  readonly faults: ReadonlyMap<string, readonly string[]>;
}

/** What outcomes say of the samples that have one. */
export function summary(
  outcomes: string,
): Pick<CrossTask, "cleanAccuracy" | "robustAccuracy" | "drop"> {
  const robust = countOf(outcomes, "robust");
  const broken = countOf(outcomes, "broken");
  const wrong = countOf(outcomes, "wrong");
  const n = robust + broken + wrong;
  return {
    cleanAccuracy: rate(robust + broken, n),
    robustAccuracy: rate(robust, n),
    drop: {
      value: broken / n,
      ...newcombePaired({
        both: robust,
        onlyFirst: broken,
        onlySecond: 0,
        neither: wrong,
      }),
    },
  };
}
