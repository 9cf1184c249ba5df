import { percent } from "#core";
import {
  isWhiteBox,
  robustShare,
  sameBudget,
  strongest,
  type TrustCheck,
} from "../check.ts";

/** Of all samples. */
const TOLERATED = 0.002;

/**
 * An attack without gradients does no better (Croce and Hein 2020, arXiv:2003.01690).
 */
export const beatsQueries: TrustCheck = {
  id: "beats-queries",
  title: "Gradients beat queries",
  summary:
    "Whether gradients leave no more samples robust than attacks that have none.",
  meaning:
    "A warning says that a search without gradients did better: gradients are masked, or the attack is weak. The lower number is nearer the truth.",
  advice:
    "Run autoattack, and square with more queries, and trust the lower number.",
  judge(cell, siblings) {
    if (!isWhiteBox(cell)) return undefined;
    const query = strongest(
      sameBudget(cell, siblings).filter(({ family }) => family === "query"),
    );
    if (!query) return undefined;
    const seen = `${cell.attack} leaves ${percent(robustShare(cell))} robust and ${query.attack}, without gradients, ${percent(robustShare(query))}`;
    return robustShare(query) >= robustShare(cell) - TOLERATED
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}: gradients are masked or the attack is weak; trust the lower number, and run autoattack and more queries.`,
        };
  },
};
