import { percent } from "#core";
import {
  comparable,
  robustCount,
  robustShare,
  seeks,
  strongest,
  type TrustCheck,
} from "../check.ts";

/** Budgets that show the course of a sweep. */
const BUDGETS = 6;

/**
 * A larger budget never leaves more samples robust, to within one sample (Carlini et
 * al. 2019, arXiv:1902.06705).
 */
export const monotoneInEps: TrustCheck = {
  id: "monotone-in-eps",
  title: "More budget breaks more",
  summary: "Whether a larger budget never leaves more samples robust.",
  meaning:
    "A failure says that the attack does not use its budget, so that the number at the larger one is too high. Of one long step it is only a warning.",
  advice:
    "Take more steps, restarts and another step size. For the course of a curve sweep six budgets or more.",
  judge(cell, siblings) {
    if (!seeks(cell)) return undefined;
    const same = comparable(cell, siblings).filter(
      ({ attack }) => attack === cell.attack,
    );
    const below = same.filter(({ eps }) => eps < cell.eps);
    const smaller = strongest(below);
    if (!smaller) return undefined;
    const budgets = new Set(below.map(({ eps }) => eps)).size + 1;
    const seen = `Of ${budgets} budgets, ${percent(robustShare(cell))} stay robust at eps ${cell.eps} and ${percent(robustShare(smaller))} at the smaller eps ${smaller.eps}`;
    if (robustCount(cell) <= robustCount(smaller) + 1) {
      // Said once, at the end of a sweep.
      const isSweep = [cell, ...same].some(({ named }) => !named);
      const isLast = same.every(({ eps }) => eps <= cell.eps);
      return isSweep && isLast && budgets < BUDGETS
        ? {
            status: "warned",
            message: `${seen}: a sweep of ${BUDGETS} or more shows the course.`,
          }
        : { status: "passed", message: `${seen}.` };
    }
    // One long step overshoots on any curved model, which says nothing about masking.
    return cell.family === "single-step"
      ? {
          status: "warned",
          message: `${seen}: a single step overshoots here, an iterative attack says more.`,
        }
      : {
          status: "failed",
          message: `${seen}: the attack does not use its budget; try more steps, restarts and another step size.`,
        };
  },
};
