import type { Store } from "../store.ts";
import type { Costs } from "./costs.ts";
import { missingOf } from "./missing.ts";
import { type Makespan, makespanOf } from "./virtual-time.ts";
import type { Work, WorkKind } from "./work.ts";

/** What there is to do, and what it would take. */
export interface Estimate {
  /** Works that have to be done. */
  readonly works: number;
  /** Works that are in the store, as far as they were looked for. */
  readonly kept: number;
  /** Kinds of which nothing is known, in the order of the works. */
  readonly unknown: readonly WorkKind[];
  /** In seconds; null where something is unknown. */
  readonly time: Makespan | null;
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
  const seconds = works.map((work) => costs.secondsOf(work));
  const unknown = works.flatMap(({ kind }, i) =>
    seconds[i] === undefined ? [kind] : [],
  );
  return {
    works: works.length,
    kept: kept.length,
    unknown: [...new Set(unknown)],
    time:
      unknown.length > 0
        ? null
        : makespanOf(
            { ...missing, costs: Float64Array.from(seconds as number[]) },
            hands,
          ),
  };
}
