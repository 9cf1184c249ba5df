import { duration } from "#core";
import type { Store } from "../store.ts";
import { type Costs, costsOf } from "./costs.ts";
import { estimate } from "./estimate.ts";
import type { Peaks } from "./peaks.ts";
import type { Work } from "./work.ts";

/**
 * What a run comes to before it begins, as a line: by what this machine has learned,
 * and by guesses where that is nothing, which it says. Undefined where nothing is to be
 * done.
 *
 * @param hands how many works are done at once
 * @param peaks what workers take of memory; null where works go elsewhere
 */
export function outlook(
  works: readonly Work[],
  store: Store,
  hands: number,
  costs: Costs = costsOf(),
  peaks: Peaks | null = null,
): string | undefined {
  const { works: left, time } = estimate(works, store, costs, hands);
  if (left === 0) return undefined;
  const kinds = [...new Set(works.map(({ kind }) => kind))];
  const unknown = kinds.filter((kind) => !costs.knows({ kind }));
  const bytes = Math.max(0, ...kinds.map((kind) => peaks?.bytesOf(kind) ?? 0));
  return [
    `${left} works to do`,
    `about ${duration(Math.max(1, time.end))} with ${hands} ${hands === 1 ? "worker" : "workers"}${
      unknown.length > 0
        ? ` (${unknown.join(", ")}: a guess, not done on this machine yet)`
        : ""
    }`,
    bytes > 0
      ? `about ${Math.round(bytes / 1e6)} MB of memory each`
      : "memory not known yet: assay plan says the least",
  ].join(", ");
}
