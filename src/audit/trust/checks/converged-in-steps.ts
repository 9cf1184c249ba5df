import { percent } from "../../words.ts";
import type { TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/** Of the loss, what twice the steps may add. */
const TOLERATED = 0.01;

/**
 * Twice the steps break no more, and raise the loss no higher (Carlini et al. 2019,
 * arXiv:1902.06705).
 */
export const convergedInSteps: TrustCheck = {
  id: "converged-in-steps",
  title: "Twice the steps break no more",
  judge(cell) {
    const tries = cell.probes?.moreSteps;
    if (!cell.probes || !tries) return undefined;
    const advice = "run it with more steps, until twice as many change nothing";
    const what = `${cell.attack} with twice the steps`;
    const found = settled(cell, cell.probes, tries, what, advice);
    const { rise } = tries;
    if (found?.status !== "passed" || rise === null || rise <= TOLERATED)
      return found;
    return {
      status: "warned",
      message: `${what} broke none of the ${tries.tried} tried, but raised their mean loss by ${percent(rise)}: ${advice}.`,
    };
  },
};
