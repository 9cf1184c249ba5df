import type { Bench } from "./bench.ts";
import type { ComputedCell } from "./cells.ts";
import type { ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import type { Cell, CrossTask } from "./results.ts";
import { newcombePaired, rate } from "./statistics.ts";
import type { Suite } from "./suite.ts";
import type { TaskData } from "./tasks.ts";

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

/** What tells the trunk of an audited task from others; nothing for a candidate that has no tasks. */
export function trunkOf({ candidates }: Suite, id: string): string | null {
  const { member, replica } = candidates[id] ?? {};
  return member ? JSON.stringify([member.of, replica?.index]) : null;
}

/** What outcomes say of the samples that have one. */
export function summary(
  outcomes: string,
): Pick<CrossTask, "cleanAccuracy" | "robustAccuracy" | "drop"> {
  const count = (outcome: string) => outcomes.split(outcome).length - 1;
  const [robust, broken, wrong] = [count("1"), count("0"), count("-")];
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
