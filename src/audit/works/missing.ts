import type { Store } from "../store.ts";
import type { Work } from "./work.ts";

/** What of a graph of works has to be done. */
export interface Missing {
  /** Each behind what it needs. */
  readonly works: readonly Work[];
  /** Those of the needs of each that have to be done too, as in a `WorkGraph`. */
  readonly first: Int32Array;
  readonly needs: Int32Array;
  /** What is in the store. What it needed was not looked at. */
  readonly kept: readonly Work[];
}

const KEPT = -1;
const OPEN = -2;

/**
 * What has to be done for works to be in the store, from the top down. Works with the
 * same record are one work: the first that is met.
 */
export function missingOf(wanted: readonly Work[], store: Store): Missing {
  const places = new Map<string, number>();
  const works: Work[] = [];
  const kept: Work[] = [];
  const first: number[] = [0];
  const needs: number[] = [];
  const stack: { readonly work: Work; next: number }[] = [];
  const meet = (work: Work) => {
    const place = places.get(work.record);
    if (place === OPEN) throw new Error(`${work.id} needs itself`);
    if (place !== undefined) return;
    if (store.read(work.record) === undefined) {
      places.set(work.record, OPEN);
      stack.push({ work, next: 0 });
    } else {
      places.set(work.record, KEPT);
      kept.push(work);
    }
  };
  for (const one of wanted) {
    meet(one);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const need = top.work.needs[top.next++];
      if (need) {
        meet(need);
        continue;
      }
      stack.pop();
      places.set(top.work.record, works.length);
      works.push(top.work);
      for (const { record } of top.work.needs) {
        const place = places.get(record)!;
        if (place !== KEPT) needs.push(place);
      }
      first.push(needs.length);
    }
  }
  return {
    works,
    first: Int32Array.from(first),
    needs: Int32Array.from(needs),
    kept,
  };
}
