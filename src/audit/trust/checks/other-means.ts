import { isSearch, sameBudget, type TrustCheck } from "../check.ts";

/**
 * Where gradients are masked, an attack by scores or by labels alone still works; so
 * one of each runs beside them (Carlini et al. 2019, arXiv:1902.06705).
 */
export const otherMeans: TrustCheck = {
  id: "other-means",
  title: "Attacks without gradients ran as well",
  judge(cell, siblings) {
    if (!isSearch(cell) || !cell.named) return undefined;
    const all = [cell, ...sameBudget(cell, siblings)];
    const byScores = all.some(
      (one) =>
        one.searches || (one.access === "score" && one.family === "query"),
    );
    const byLabels = all.some(
      ({ access, family }) => access === "label" && family === "query",
    );
    const missing = [
      ...(byScores ? [] : ["by scores (square)"]),
      ...(byLabels || !decided.includes(cell.norm)
        ? []
        : ["by labels alone (hopskipjump)"]),
    ];
    return missing.length === 0
      ? {
          status: "passed",
          message: "Attacks that need no gradients ran at the same budget.",
        }
      : {
          status: "warned",
          message: `No attack ${missing.join(" and none ")} ran at this budget: what masked gradients hide would not be seen; add it to the suite.`,
        };
  },
};

/** Norms in which there are attacks by labels alone. */
const decided: readonly string[] = ["linf", "l2"];
