import type { Work } from "./work.ts";

type Sized = Pick<Work, "kind" | "size" | "sort">;

/** What works cost, as it is learned from those that end. */
export interface Costs {
  /**
   * Seconds of a work: what others took that are most like it by their sort.
   * Undefined where none of its kind is known.
   */
  secondsOf(work: Sized): number | undefined;
  learn(work: Sized, seconds: number): void;
}

/** Seconds and sizes of the works of a sort, of which the last ones count most. */
export interface Rate {
  readonly seconds: number;
  readonly size: number;
}

/** What is left of what is known of a sort when one more work of it has ended. */
const REMEMBERED = 0.9;

/** Seconds that a work takes whatever its size: it opens models, and is kept. */
export const START = 0.012;

/** What works took, by kind and by each part of their sort. */
export type Rates = Map<string, Rate>;

/** The names of what a work is like, from its kind to its whole sort. */
export const sortsOf = ({
  kind,
  sort = [],
}: Pick<Work, "kind" | "sort">): string[] =>
  [kind, ...sort].map((_, i, all) => all.slice(0, i + 1).join(" "));

/** @param rates what was learned before; what is learned now goes there too */
export function costsOf(rates: Rates = new Map()): Costs {
  return {
    secondsOf(work) {
      const known = sortsOf(work).findLast((name) => rates.has(name));
      const rate = known === undefined ? undefined : rates.get(known);
      return rate && START + (work.size * rate.seconds) / rate.size;
    },
    learn(work, seconds) {
      const { size } = work;
      if (!(size > 0)) return;
      for (const name of sortsOf(work)) {
        const before = rates.get(name) ?? { seconds: 0, size: 0 };
        // What was learned last stands at the end.
        rates.delete(name);
        rates.set(name, {
          seconds: REMEMBERED * before.seconds + Math.max(0, seconds - START),
          size: REMEMBERED * before.size + size,
        });
      }
    },
  };
}
