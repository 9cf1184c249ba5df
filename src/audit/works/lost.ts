import type { MissingResult } from "../results/index.ts";
import type { Store } from "../store.ts";
import type { Failure, Work } from "./work.ts";

/**
 * What of the results is not there, whoever was to do it: works without a record, by
 * what they are needed for.
 *
 * @param failures of these works, or of others with the same records
 */
export function lostOf(
  works: readonly Work[],
  store: Store,
  failures: readonly Failure[],
): MissingResult[] {
  const roots = new Map(
    failures.map(({ record, work, because }) => [record, because ?? work]),
  );
  const lost = new Map<string, MissingResult>();
  for (const { about, record } of works) {
    if (!about || store.read(record) !== undefined) continue;
    for (const one of about) {
      const key = JSON.stringify(one);
      const because = roots.get(record) ?? null;
      if (!lost.has(key)) lost.set(key, { ...one, because });
    }
  }
  return [...lost.values()];
}
