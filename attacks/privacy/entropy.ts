import { z } from "zod";
import { againstClassThresholds } from "./class-thresholds.ts";
import { logProbabilities } from "./confidence.ts";
import { type Asked, defineMembership, shadowCount } from "./membership.ts";

/** -sum_k p_k log p_k of each sample, negative. */
const certainties = (asked: Asked) =>
  Float64Array.from(asked.y, (_, i) =>
    logProbabilities(asked, i).reduce((s, l) => s + Math.exp(l) * l, 0),
  );

/**
 * Members are answered with a lower entropy, whatever their label; thresholds by class
 * (Song and Mittal 2021, arXiv:2003.10595).
 */
export const entropy = defineMembership({
  id: "entropy",
  title: "Entropy of the answer",
  summary:
    "Takes samples that are answered with little entropy for members, by a threshold for each class.",
  caution:
    "It does not look at the label, so wrong and sure answers look like members. A weak attack: privacy is not shown by its failure; run lira or rmia.",
  reference: "Song and Mittal 2021, arXiv:2003.10595",
  threat:
    "asks the candidate for probabilities, and trains a few models like it for thresholds",
  needs: ["tuning", "one class"],
  params: z.strictObject({ shadows: shadowCount(2) }),
  score: async (input) => againstClassThresholds(input, certainties),
});
