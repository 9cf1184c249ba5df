import type { Store } from "../store.ts";
import type { Costs } from "./costs.ts";
import { missingOf } from "./missing.ts";
import { type Makespan, makespanOf } from "./virtual-time.ts";
import type { Work } from "./work.ts";

/** What there is to do, and what it would take. */
export interface Estimate {
  /** Works that have to be done. */
  readonly works: number;
  /** Works that are in the store, as far as they were looked for. */
  readonly kept: number;
  /** In seconds. */
  readonly time: Makespan;
}

/** What it would take so many hands until works are in the store. */
export function estimate(
  wanted: readonly Work[],
  store: Store,
  costs: Pick<Costs, "secondsOf">,
  hands: number,
): Estimate {
  const missing = missingOf(wanted, store);
  const { works, kept } = missing;
  const seconds = Float64Array.from(works, (work) => costs.secondsOf(work));
  return {
    works: works.length,
    kept: kept.length,
    time: makespanOf({ ...missing, costs: seconds }, hands),
  };
}
