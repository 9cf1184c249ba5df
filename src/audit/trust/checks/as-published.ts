import type { TrustCheck } from "../check.ts";

/**
 * Where an attack could not run as its paper has it, such as a loss that needs more
 * classes, it says so.
 */
export const asPublished: TrustCheck = {
  id: "as-published",
  title: "The attack ran as published",
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
