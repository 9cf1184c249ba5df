import type { Headline } from "../events.ts";
import type { Store } from "../store.ts";
import type { Work } from "./work.ts";

/** A work whose record says what it found. */
export interface Yields<T> extends Work {
  /** What it found; undefined where it is not done. */
  found(): T | undefined;
}

/** How a work comes to what it keeps. */
interface Computation<T> extends Omit<Work, "run" | "headline"> {
  /** What is found. Files that belong to it are written on the way. */
  compute(): Promise<T>;
  /** Names in the store of these files. */
  files?(found: T): readonly string[];
  /** What it found, in short. */
  headline?(found: T): Headline;
}

/** A work that keeps what it computes as its record. */
export function yields<T>(
  store: Store,
  { compute, files, headline, ...work }: Computation<T>,
): Yields<T> {
  const found = () => store.read<T>(work.record);
  return {
    ...work,
    async run() {
      const made = await compute();
      store.write(work.record, made, files?.(made));
    },
    found,
    headline() {
      const known = headline && found();
      return known && headline(known);
    },
  };
}

/** What a work found, which is done by now. */
export function foundBy<T>(work: Yields<T>): T {
  const found = work.found();
  if (found === undefined) throw new Error(`${work.id} is not done`);
  return found;
}
