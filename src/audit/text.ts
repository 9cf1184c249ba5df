import { UsageError } from "#core";
import type { Suite } from "./suite.ts";

/** Whether a suite is about texts: its candidates are tuned and measured, and nothing is attacked. */
export const isText = (suite: Suite): boolean => suite.data.source === "text";

/** Refuses what is defined for numbers only, where the data is text. */
export function checkText(suite: Suite, file: string): void {
  const { attacks, defenses, shift, certify, base } = suite;
  const unfit = {
    attacks: Object.keys(attacks).length > 0,
    defenses: Object.keys(defenses).length > 0,
    shift: shift.length > 0,
    certify: certify !== undefined,
    "base.pretrain": base?.pretrain !== undefined,
  };
  for (const [key, stated] of Object.entries(unfit)) {
    if (!stated) continue;
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: ${key} works on numbers, the data is text`,
      key === "defenses"
        ? "Leave it empty; data.sanitize repairs texts before they become tokens."
        : "Leave it out: token ids have no distance between them.",
    );
  }
}
