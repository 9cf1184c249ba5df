import { fatesOf, samplesThatAre } from "../../results/index.ts";
import type { Evidence } from "../check.ts";

/** The samples that the other attack broke and this one did not. */
export function missed(cell: Evidence, other: Evidence): number[] {
  const there = fatesOf(other.outcomes);
  return samplesThatAre(cell.outcomes, "robust").filter(
    (i) => there[i] === "broken",
  );
}

/** The first five of a list of samples, then how many more. */
export function listed(ids: readonly number[]): string {
  const rest = ids.length - 5;
  return `${ids.slice(0, 5).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
