import { samples } from "../../words.ts";
import type { TrustCheck } from "../check.ts";

/** Every adversarial sample is inside the ball and the input bounds, and finite. */
export const budgetKept: TrustCheck = {
  id: "budget-kept",
  title: "The attack kept its budget",
  summary:
    "Whether every example is within eps of its sample and within the bounds of inputs, and is finite.",
  meaning:
    "A failure says that the attack cheated, so that even a low number means nothing.",
  advice:
    "Correct the attack: its last step has to be the projection into ball and bounds.",
  judge({ eps, maxDistance, outOfBounds, nonFinite, boundsWidth, norm }) {
    // Adding and clipping in float32 rounds relative to the inputs, not to eps.
    const slack = 1e-6 * eps + 1e-7 * Math.max(1, boundsWidth);
    const faults: string[] = [];
    if (!(maxDistance <= eps + slack)) {
      faults.push(`went to ${norm} distance ${maxDistance} of ${eps} allowed`);
    }
    if (outOfBounds > 0) {
      faults.push(`left the input bounds on ${samples(outOfBounds)}`);
    }
    if (nonFinite > 0) {
      faults.push(`gave values that are not finite on ${samples(nonFinite)}`);
    }
    if (faults.length > 0) {
      return {
        status: "failed",
        message: `The attack ${faults.join(", and ")}: correct the attack, its number means nothing.`,
      };
    }
    if (norm === "edits")
      return {
        status: "passed",
        message: `No text has more than ${maxDistance} edits, of ${eps} allowed.`,
      };
    return {
      status: "passed",
      message: `The largest ${norm} distance is ${Number(maxDistance.toPrecision(6))} of ${eps} allowed, and every value is within the input bounds.`,
    };
  },
};
