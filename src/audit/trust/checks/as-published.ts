import type { TrustCheck } from "../check.ts";

/**
 * Where an attack could not run as its paper has it, such as a loss that needs more
 * classes, it says so.
 */
export const asPublished: TrustCheck = {
  id: "as-published",
  title: "The attack ran as published",
  summary:
    "Whether the attack ran as its paper has it, or had to leave out or replace a part, such as a loss that needs more classes.",
  meaning:
    "A warning says what was replaced: the attack may be weaker, and its number does not compare with published ones.",
  advice:
    "Read the message. Where a loss needs more classes than there are, add an attack that does not (pgd, fab, square).",
  judge({ notes }) {
    if (notes.length === 0) {
      return {
        status: "passed",
        message: "Nothing had to be left out or replaced.",
      };
    }
    return { status: "warned", message: `${notes.join(". ")}.` };
  },
};
