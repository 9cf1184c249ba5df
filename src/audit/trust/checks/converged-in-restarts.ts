import type { TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/** Twice the restarts break no more (Carlini et al. 2019, arXiv:1902.06705). */
export const convergedInRestarts: TrustCheck = {
  id: "converged-in-restarts",
  title: "Twice the restarts break no more",
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
