import { percent } from "#core";
import { isWhiteBox, type TrustCheck } from "../check.ts";

const TOLERATED = 0.1;

/**
 * Small noise hardly moves the margin (Pintor et al. 2022,
 * arXiv:2106.09947, indicator 2).
 */
export const smoothNearby: TrustCheck = {
  id: "smooth-nearby",
  title: "Predictions are stable nearby",
  summary:
    "How far noise of 8/255 moves the margin between the two likeliest classes.",
  meaning:
    "A warning says that the model's answers change so fast that gradients say little of what is nearby.",
  advice:
    "Beside the attack run one without gradients; look at gradient-agrees and other-means.",
  judge(cell) {
    const { sensitivity } = cell.model;
    if (!isWhiteBox(cell) || sensitivity === null) return undefined;
    const seen = `Noise of 8/255 moves the margin by ${percent(sensitivity)} on average`;
    return sensitivity <= TOLERATED
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}: gradients say little here; an attack without gradients says more.`,
        };
  },
};
