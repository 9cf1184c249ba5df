import { percent } from "#core";
import type { TrustCheck } from "../check.ts";

const TOLERATED = 0.05;

/** The gradient is not zero (Pintor et al. 2022, arXiv:2106.09947, indicator 1). */
export const gradientsAvailable: TrustCheck = {
  id: "gradients-available",
  title: "Gradients were there",
  summary: "Whether there was a gradient to follow on every sample.",
  meaning:
    "A failure says that many samples had none, so that they stand for want of an attack. A warning says that some had none, or that only parts of the attack that need none ran.",
  advice:
    "Attack through a smooth stand-in for what stops the gradient, with another loss (apgd-dlr), or without gradients.",
  judge({ noGradient, searches, zeroGradientShare: share }) {
    if (noGradient !== null && searches) {
      return {
        status: "warned",
        message: `There was nothing to follow (${noGradient}), so only what needs no gradient ran.`,
      };
    }
    if (noGradient !== null) {
      return {
        status: "failed",
        message: `There was nothing to follow (${noGradient}): attack through a smooth stand-in or without gradients.`,
      };
    }
    if (share === null) return undefined;
    if (share === 0) {
      return {
        status: "passed",
        message: "Every sample had a gradient to follow.",
      };
    }
    const seen = `${percent(share)} of the samples had a gradient of zero`;
    if (share <= TOLERATED) {
      return {
        status: "warned",
        message: `${seen}: these may look more robust than they are.`,
      };
    }
    return {
      status: "failed",
      message: `${seen}: attack through a smooth stand-in, with another loss, or without gradients.`,
    };
  },
};
