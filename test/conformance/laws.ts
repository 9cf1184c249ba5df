import fc from "fast-check";
import { describe, test } from "vitest";
import type { Law } from "../../src/conformance/index.ts";
import { runs } from "../runs.ts";

/** Other cases on every run and the same ones in CI, as fast-check draws. */
export const drawn = (few: number) => ({
  seed: fc.sample(fc.nat({ max: 1e6 }), 1)[0],
  cases: runs(few).numRuns,
});

/** A test for each law of each unit. */
export function lawful<U extends { readonly id: string }>(
  kind: string,
  units: readonly U[],
  lawsOf: (unit: U) => readonly Law[],
): void {
  describe.each(units.map((unit) => [unit.id, unit] as const))(
    `${kind} %s`,
    (_id, unit) => {
      for (const { title, check } of lawsOf(unit)) test(title, check);
    },
  );
}
