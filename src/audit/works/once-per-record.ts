import type { Work } from "./work.ts";

/**
 * Gives of works with the same record the one that came first, so that nothing is
 * listed twice.
 */
export function oncePerRecord(): <W extends Work>(work: W) => W {
  const made = new Map<string, Work>();
  return <W extends Work>(work: W): W => {
    const known = made.get(work.record);
    if (known) return known as W;
    made.set(work.record, work);
    return work;
  };
}
