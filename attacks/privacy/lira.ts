import { z } from "zod";
import { scaledConfidences } from "./confidence.ts";
import { defineMembership, shadowCount } from "./membership.ts";

/** A deviation below this is a failure to estimate it. */
const SMALLEST = 1e-6;

/**
 * Confidences of the shadow models that learned from a sample, and of
 * those that did not.
 */
export interface Confidences {
  readonly own: number;
  readonly inside: readonly number[];
  readonly outside: readonly number[];
}

/**
 * The likelihood-ratio attack (Carlini et al. 2022, arXiv:2112.03570): the
 * confidence log p_y - log sum_{k != y} p_k of a sample is normal over models that
 * learned from it, and over those that did not. Online its score is
 * log N(own; in) - log N(own; out), means by the median; offline it is how far, in
 * deviations, the candidate is above the models that did not learn from it, which
 * orders as the paper's one-sided probability does. One query a sample, without the
 * paper's augmented ones.
 *
 * A fixed variance is that of all samples around their own means. The authors' code
 * takes the deviation of all confidences together, and that of the members for both.
 * The paper trains 256 shadow models and fixes the variance below 64.
 */
export const lira = defineMembership({
  id: "lira",
  title: "LiRA",
  summary:
    "Compares how likely the candidate's confidence on a sample is among models that learned from it and among models that did not.",
  caution:
    "With fewer shadow models than the paper's 256 it finds less, above all at low rates of false positives, so its failure is no proof of privacy. Shadow models learn from another number of samples than the candidate.",
  reference: "Carlini et al. 2022, arXiv:2112.03570",
  threat:
    "asks the candidate for probabilities, and trains models like it with and without each sample",
  needs: ["tuning", "one class"],
  params: z.strictObject({
    mode: z
      .enum(["online", "offline"])
      .default("online")
      .describe(
        "online: shadow models that learned from the sample too; offline: only those that did not",
      ),
    variance: z
      .enum(["fixed", "each"])
      .default("fixed")
      .describe("fixed: one for all samples; each: one for each sample"),
    shadows: shadowCount(16),
  }),
  async score({ samples, shadows, params }) {
    const own = scaledConfidences(samples);
    const theirs = shadows.map(({ logits, learned }) => ({
      learned,
      phi: scaledConfidences({ logits, y: samples.y }),
    }));
    const side = (i: number, member: boolean) =>
      theirs
        .filter(({ learned }) => learned[i] === member)
        .map(({ phi }) => phi[i]!);
    return likelihoodRatios(
      Array.from(own, (v, i) => ({
        own: v,
        inside: side(i, true),
        outside: side(i, false),
      })),
      params,
    );
  },
});

/** The score of each sample. */
export function likelihoodRatios(
  samples: readonly Confidences[],
  {
    mode,
    variance,
  }: { mode: "online" | "offline"; variance: "fixed" | "each" },
): Float64Array {
  const [inside, outside] = (["inside", "outside"] as const).map((side) => {
    const groups = samples.map((s) => s[side]);
    const all = deviation(groups);
    return groups.map((group) => ({
      mean: median(group),
      deviation: variance === "fixed" ? all : deviation([group]),
    }));
  }) as [Normal[], Normal[]];
  return Float64Array.from(samples, ({ own }, i) => {
    const [member, other] = [inside[i], outside[i]] as [Normal, Normal];
    return mode === "online"
      ? logDensity(own, member) - logDensity(own, other)
      : (own - other.mean) / other.deviation;
  });
}

interface Normal {
  readonly mean: number;
  readonly deviation: number;
}

/** log N(v; mean, deviation^2) and a constant. */
const logDensity = (v: number, { mean, deviation }: Normal) =>
  -(((v - mean) / deviation) ** 2) / 2 - Math.log(deviation);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

/** The standard deviation within groups, around the mean of each. */
function deviation(groups: readonly (readonly number[])[]): number {
  let [squares, freedom] = [0, 0];
  for (const group of groups) {
    const mean = group.reduce((s, v) => s + v, 0) / group.length;
    for (const v of group) squares += (v - mean) ** 2;
    freedom += group.length - 1;
  }
  return Math.max(SMALLEST, Math.sqrt(squares / Math.max(1, freedom)));
}
