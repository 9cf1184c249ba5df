import type { TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/**
 * Where a model has no gradient, a search that asks twice as much breaks no more: as
 * for steps (Carlini et al. 2019, arXiv:1902.06705).
 */
export const convergedInQueries: TrustCheck = {
  id: "converged-in-queries",
  title: "Twice the queries break no more",
  summary:
    "Whether a search breaks more of what stands with twice the queries, where the model has no gradient.",
  meaning:
    "A failure or warning says that the search ended too early, so that the number is too high.",
  advice:
    "Raise its queries, iterations or generations until twice as many change nothing.",
  judge(cell) {
    const tries = cell.probes?.moreQueries;
    if (!cell.probes || !tries) return undefined;
    return settled(
      cell,
      cell.probes,
      tries,
      `${cell.attack} with twice the queries`,
      "run it with more of them, until twice as many change nothing",
    );
  },
};
