import { percent } from "#core";
import { samples } from "../../words.ts";
import {
  isWhiteBox,
  robustCount,
  robustShare,
  sameBudget,
  strongest,
  type TrustCheck,
} from "../check.ts";
import { listed, missed } from "./missed.ts";

/**
 * The model's own gradients do better than those of another model (Carlini et al. 2019,
 * arXiv:1902.06705).
 */
export const beatsTransfer: TrustCheck = {
  id: "beats-transfer",
  title: "The attack beats transfer",
  summary:
    "Whether the model's own gradients do better than examples that were made on the public base.",
  meaning:
    "A failure says that its own gradients are of less use than those of another model, the usual sign of masked gradients. A warning names samples that only transfer broke.",
  advice:
    "Attack through a smooth stand-in for what masks the gradient, or without gradients (square, hopskipjump).",
  judge(cell, siblings) {
    if (!isWhiteBox(cell)) return undefined;
    const transfer = strongest(
      sameBudget(cell, siblings).filter(({ family }) => family === "transfer"),
    );
    if (!transfer) return undefined;
    const seen = `${cell.attack} leaves ${percent(robustShare(cell))} robust and ${transfer.attack} ${percent(robustShare(transfer))}`;
    const worse = robustCount(cell) > robustCount(transfer);
    // A transferred attack of many steps may well beat a single step of one's own.
    if (worse && cell.family === "iterative") {
      return {
        status: "failed",
        message: `${seen}: its own gradients are masked; attack through a smooth stand-in or without gradients.`,
      };
    }
    const ids = missed(cell, transfer);
    return ids.length === 0 && !worse
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}, and only transfer broke ${samples(ids.length)} (${listed(ids)}): the attack is weak on these.`,
        };
  },
};
