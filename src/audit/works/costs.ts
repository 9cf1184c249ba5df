import type { Work, WorkKind } from "./work.ts";

type Sized = Pick<Work, "kind" | "size">;

/** What works cost, as it is learned from those that end. */
export interface Costs {
  /** Seconds of a work, or of all of a size; undefined where its kind is not known. */
  secondsOf(work: Sized): number | undefined;
  learn(work: Sized, seconds: number): void;
}

/** Seconds and sizes of the works of a kind, of which the last ones count most. */
export interface Rate {
  readonly seconds: number;
  readonly size: number;
}

/** What is left of what is known of a kind when one more work of it has ended. */
const REMEMBERED = 0.9;

/** @param rates what was learned before; what is learned now goes there too */
export function costsOf(rates: Map<WorkKind, Rate> = new Map()): Costs {
  return {
    secondsOf({ kind, size }) {
      const rate = rates.get(kind);
      return rate && (size * rate.seconds) / rate.size;
    },
    learn({ kind, size }, seconds) {
      if (!(size > 0)) return;
      const before = rates.get(kind) ?? { seconds: 0, size: 0 };
      rates.set(kind, {
        seconds: REMEMBERED * before.seconds + seconds,
        size: REMEMBERED * before.size + size,
      });
    },
  };
}
