import type { BenchOf, CellWorks } from "../attacking/index.ts";
import { type CrossTask, countOf } from "../results/index.ts";
import { rate, tango } from "../statistics/index.ts";
import type { Suite } from "../suite/index.ts";

/** What replaying needs to know of a run. */
export interface Replaying {
  readonly suite: Suite;
  /** The cells in the order of the plan. */
  readonly cells: readonly CellWorks[];
  readonly benchOf: BenchOf;
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
      ...tango({
        both: robust,
        onlyFirst: broken,
        onlySecond: 0,
        neither: wrong,
      }),
    },
  };
}
