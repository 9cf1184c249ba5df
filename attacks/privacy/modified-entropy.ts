import { z } from "zod";
import { againstClassThresholds } from "./class-thresholds.ts";
import { logProbabilities } from "./confidence.ts";
import { type Asked, defineMembership, shadowCount } from "./membership.ts";

/**
 * -(1 - p_y) log p_y - sum_{k != y} p_k log(1 - p_k) of each sample, negative:
 * 0 for a sure and right answer, without end for a sure and wrong one.
 */
export const rightness = (asked: Asked): Float64Array =>
  Float64Array.from(asked.y, (label, i) => {
    const logs = logProbabilities(asked, i);
    // 1 - p of a class, as the sum of the others, so that it is not rounded to 0.
    const rest = (k: number) =>
      logs.reduce((s, l, j) => (j === k ? s : s + Math.exp(l)), 0);
    return logs.reduce(
      (s, l, k) =>
        s +
        (k === label
          ? rest(k) * l
          : Math.exp(l) * Math.log(Math.max(rest(k), 1e-300))),
      0,
    );
  });

/**
 * Entropy that knows the label; thresholds by class (Song and Mittal 2021,
 * arXiv:2003.10595, equation 8).
 */
export const modifiedEntropy = defineMembership({
  id: "modified-entropy",
  title: "Modified entropy",
  summary: "Entropy that knows the label, by a threshold for each class.",
  caution:
    "It has no notion of how hard a sample is, so its failure at low rates of false positives does not show privacy; run lira or rmia.",
  reference: "Song and Mittal 2021, arXiv:2003.10595",
  threat:
    "asks the candidate for probabilities, and trains a few models like it for thresholds",
  needs: ["tuning", "one class"],
  params: z.strictObject({ shadows: shadowCount(2) }),
  score: async (input) => againstClassThresholds(input, rightness),
});
