import type { TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/** Twice the restarts break no more (Carlini et al. 2019, arXiv:1902.06705). */
export const convergedInRestarts: TrustCheck = {
  id: "converged-in-restarts",
  title: "Twice the restarts break no more",
  summary:
    "Whether the attack breaks more of what stands with twice the restarts.",
  meaning:
    "A failure or warning says that starts were too few, so that the number is too high.",
  advice: "Raise restarts until twice as many change nothing.",
  judge(cell) {
    const tries = cell.probes?.moreRestarts;
    if (!cell.probes || !tries) return undefined;
    return settled(
      cell,
      cell.probes,
      tries,
      `${cell.attack} with twice the restarts`,
      "run it with more restarts, until twice as many change nothing",
    );
  },
};
