import { percent } from "#core";
import { samples } from "../../words.ts";
import type { TrustCheck } from "../check.ts";

/**
 * Of the samples, what the bare candidate may withstand for the control
 * to say anything.
 */
const WITHSTOOD = 0.05;

/** What may be left behind the control. */
const TOLERATED = 0.1;

/**
 * An attack that is to judge a defence breaks one that is known to be broken: the
 * candidate behind rounding to few levels (Carlini et al. 2019, arXiv:1902.06705,
 * validate new attacks; broken by Athalye et al. 2018, arXiv:1802.00420).
 */
export const breaksControl: TrustCheck = {
  id: "breaks-control",
  title: "The attack breaks a defence known to be broken",
  summary:
    "Whether the attack breaks the candidate behind rounding, a defence that is known to be broken, on some samples.",
  meaning:
    "A failure says that the attack does not get through what it must get through, so what it leaves behind another defence says nothing of that.",
  advice:
    "Pass the gradient over what rounds or draws (BPDA, eot), with more steps, until the control falls.",
  judge(cell) {
    const control = cell.probes?.control;
    // One that looks for the nearest example stops where rounding begins to matter.
    if (!control || cell.family !== "iterative") return undefined;
    const { bits, tried, left, leftBare } = control;
    if (left > TOLERATED * tried && leftBare > WITHSTOOD * tried)
      return undefined;
    const seen = `Of ${samples(tried)} behind a control, the candidate with inputs rounded to ${bits} ${bits === 1 ? "bit" : "bits"}, ${cell.attack} leaves ${percent(left / tried)} robust`;
    return left <= TOLERATED * tried
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "failed",
          message: `${seen}, and without the rounding ${percent(leftBare / tried)}: it does not get through what it must get through; pass the gradient over rounding (BPDA), with more steps.`,
        };
  },
};
