import { percent } from "#core";
import {
  isWhiteBox,
  robustCount,
  robustShare,
  STRONGER,
  sameBudget,
  strongest,
  type TrustCheck,
} from "../check.ts";

/**
 * Many steps do at least as well as one, to within one sample (Athalye et al. 2018,
 * arXiv:1802.00420).
 */
export const iterativeBeatsSingleStep: TrustCheck = {
  id: "iterative-beats-single-step",
  title: "Many steps beat one",
  summary: "Whether many steps break at least as many samples as one step.",
  meaning:
    "A failure is the classic sign of masked gradients, or of steps that are too short or too few.",
  advice:
    "Take more or longer steps, then autoattack; where that changes nothing, run square and hopskipjump.",
  judge(cell, siblings) {
    if (cell.family !== "iterative" || !isWhiteBox(cell)) return undefined;
    const single = strongest(
      sameBudget(cell, siblings).filter(
        ({ family }) => family === "single-step",
      ),
    );
    if (!single) return undefined;
    const seen = `${cell.attack} leaves ${percent(robustShare(cell))} robust and the single step of ${single.attack} ${percent(robustShare(single))}`;
    return robustCount(cell) <= robustCount(single) + 1
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "failed",
          message: `${seen}: ${STRONGER}.`,
        };
  },
};
