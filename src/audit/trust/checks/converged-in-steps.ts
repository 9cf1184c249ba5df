import { percent } from "#core";
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
  summary:
    "Whether the attack breaks more of what stands, or raises the loss further, with twice the steps.",
  meaning:
    "A failure says that steps were too few, so that the number is too high; a warning that a single sample, or the loss, still moved.",
  advice:
    "Raise steps until twice as many change nothing, or look at the step size: small steps may never reach the edge of the ball.",
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
