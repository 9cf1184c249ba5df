import type { TrustCheck } from "./check.ts";
import { settled } from "./settled.ts";

/** Twice the steps break no more (Carlini et al. 2019, arXiv:1902.06705). */
export const convergedInSteps: TrustCheck = {
  id: "converged-in-steps",
  title: "Twice the steps break no more",
  judge(cell) {
    const tries = cell.probes?.moreSteps;
    if (!cell.probes || !tries) return undefined;
    return settled(
      cell,
      cell.probes,
      tries,
      `${cell.attack} with twice the steps`,
      "run it with more steps, until twice as many change nothing",
    );
  },
};
