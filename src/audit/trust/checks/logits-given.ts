import { isWhiteBox, type TrustCheck } from "../check.ts";

/**
 * What the attack differentiates are logits. The loss of probabilities is flat (Croce
 * and Hein 2020, arXiv:2003.01690).
 */
export const logitsGiven: TrustCheck = {
  id: "logits-given",
  title: "The model gives logits",
  summary: "Whether what the model gives are logits rather than probabilities.",
  meaning:
    "A failure says that the loss of probabilities was differentiated, which is flat where the model is sure: the number is too high.",
  advice:
    "Export the model without its last Softmax, or with one that Assay can cut off (`assay inspect` says whether it was).",
  judge(cell) {
    if (!isWhiteBox(cell)) return undefined;
    return cell.model.probabilities
      ? {
          status: "failed",
          message:
            "The model gives probabilities, whose loss is flat: export it without its last Softmax, or with one that Assay can cut off.",
        }
      : { status: "passed", message: "What the model gives are logits." };
  },
};
