import { evidenceAgainst, holm, isOutside } from "../statistics/index.ts";
import type { Claim } from "./claim.ts";

/**
 * The most chance that a gate fails where every number meets its limit, and that it
 * passes where one does not. A gate passes only if every row does, each by its own 95 %
 * interval, so that the second holds whatever there is besides (Berger 1982,
 * Technometrics 24:295). It fails if any row does, so rows share the first, by Holm.
 */
export const ERROR = 0.025;

/** What chance does among all claims of a gate. */
export interface Chance {
  /** How many claims share it. */
  readonly rows: number;
  /**
   * Whether the number of a claim is outside its limit beyond chance. Without an
   * interval its value decides.
   */
  isBroken(claim: Claim): boolean;
}

/**
 * @param most how many claims there can be, where some are not there yet: they share
 *   the chance as if they were
 */
export function chanceAmong(claims: readonly Claim[], most = 0): Chance {
  const sampled = claims.filter(({ subject }) => subject.intervalAt);
  const found = sampled.map(({ bound, subject }) =>
    evidenceAgainst(bound, subject.intervalAt!),
  );
  const others = Math.max(0, most - sampled.length);
  // Any of those to come may be smaller than these, so each counts for all.
  const adjusted =
    others > 0 ? found.map((p) => Math.min(1, most * p)) : holm(found);
  const byClaim = new Map(sampled.map((claim, i) => [claim, adjusted[i]!]));
  return {
    rows: sampled.length + others,
    isBroken(claim) {
      const { value } = claim.subject;
      const p = byClaim.get(claim);
      return p === undefined
        ? isOutside(claim.bound, { low: value, high: value })
        : p <= ERROR;
    },
  };
}
