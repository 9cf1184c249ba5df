import { describe, test } from "vitest";
import type { Law } from "../../src/conformance/index.ts";

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
