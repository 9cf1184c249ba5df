import type { Work } from "./work.ts";

/**
 * Works and all that they need, by their ids; each behind what it needs.
 *
 * @throws where two works with one id are kept under different names
 */
export function worksBehind(
  wanted: readonly Work[],
): ReadonlyMap<string, Work> {
  const found = new Map<string, Work>();
  const stack = wanted.map((work) => ({ work, next: 0 })).reverse();
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const { work } = top;
    const known = found.get(work.id);
    if (known && known.record !== work.record)
      throw new Error(`two works are called ${work.id}`);
    const need = known ? undefined : work.needs[top.next++];
    if (need) {
      stack.push({ work: need, next: 0 });
      continue;
    }
    stack.pop();
    if (!known) found.set(work.id, work);
  }
  return found;
}
