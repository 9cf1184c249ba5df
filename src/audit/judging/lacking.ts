import { counts } from "../counting.ts";
import type { MissingResult } from "../results/index.ts";

/** Attacks that were planned, would have counted and have no result. */
export const lostAttacks = (
  missing: readonly MissingResult[],
): MissingResult[] =>
  missing.filter(
    ({ what, defense, adaptive }) =>
      defense !== undefined &&
      (what === "heads" ||
        (what === "cell" && counts({ defense, adaptive: adaptive === true }))),
  );

/** The ids of what a number is without; undefined where it has all. */
export const idsOf = (
  missing: readonly Pick<MissingResult, "id">[],
): string[] | undefined =>
  missing.length > 0 ? [...new Set(missing.map(({ id }) => id))] : undefined;
