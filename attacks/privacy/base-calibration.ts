import { z } from "zod";
import { lossesOf } from "./confidence.ts";
import { defineMembership } from "./membership.ts";

/**
 * Calibration by difficulty (Watson et al. 2022, arXiv:2111.08440) with the public
 * base as the one reference model, since it has not seen the fine-tuning set. It
 * knows other classes, so it gets a linear head, tuned on the attacker's own samples
 * (the validation split, which no weights were learned from), behind its own,
 * unchanged features: the score is the loss there minus the loss under the candidate.
 */
export const baseCalibration = defineMembership({
  id: "base-calibration",
  title: "Loss calibrated by the base",
  summary:
    "Subtracts a sample's loss under the candidate from its loss under the public base, behind a head that is tuned on samples of the attacker's own.",
  caution:
    "Where the candidate's features moved far from the base's, the difference is mostly that of features and not of membership. A base that has seen the fine-tuning set is no reference.",
  reference: "Watson et al. 2022, arXiv:2111.08440",
  threat:
    "asks the candidate for probabilities, and has the public base and a few samples of the task",
  needs: ["base", "one class"],
  params: z.strictObject({}),
  async score({ samples, reference }) {
    if (!reference) throw new Error("the protocol gives what is asked for");
    const before = lossesOf({ logits: reference, y: samples.y });
    return lossesOf(samples).map((loss, i) => before[i]! - loss);
  },
});
