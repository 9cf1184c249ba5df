import { z } from "zod";
import { lossesOf } from "./confidence.ts";
import { defineMembership, shadowCount } from "./membership.ts";

/**
 * How much lower the loss of a sample is than that of models that did not learn
 * from it, so that easy samples are not taken for members (Watson et al. 2022,
 * arXiv:2111.08440).
 */
export const difficultyCalibration = defineMembership({
  id: "difficulty-calibration",
  title: "Loss calibrated by difficulty",
  summary:
    "Subtracts a sample's loss under the candidate from its loss under models that did not learn from it, so that easy samples are not taken for members.",
  caution:
    "Few reference models leave the difficulty noisy. It looks at the mean alone, where lira looks at the spread; its failure is no proof of privacy.",
  reference: "Watson et al. 2022, arXiv:2111.08440",
  threat:
    "asks the candidate for probabilities, and trains a few models like it without the sample",
  needs: ["tuning", "one class"],
  params: z.strictObject({ shadows: shadowCount(4) }),
  async score({ samples, shadows }) {
    const theirs = shadows.map(({ logits, learned }) => ({
      learned,
      losses: lossesOf({ logits, y: samples.y }),
    }));
    return lossesOf(samples).map((loss, i) => {
      const outside = theirs.filter(({ learned }) => !learned[i]);
      const mean =
        outside.reduce((s, { losses }) => s + losses[i]!, 0) / outside.length;
      return mean - loss;
    });
  },
});
