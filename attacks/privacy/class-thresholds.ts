import type { Asked, MembershipInput, Shadow } from "./membership.ts";

/**
 * Scores less the threshold of each sample's class, so that one threshold serves
 * all classes: that which tells best, in balanced accuracy, what the shadow models
 * learned from what they did not (Song and Mittal 2021, section 4.1).
 */
export function againstClassThresholds(
  { samples, shadows }: Pick<MembershipInput<unknown>, "samples" | "shadows">,
  scoresOf: (asked: Asked) => Float64Array,
): Float64Array {
  const seen = shadows.map((shadow) => ({
    ...shadow,
    scores: scoresOf({ logits: shadow.logits, y: samples.y }),
  }));
  const thresholds = new Map<number, number>();
  for (const label of new Set(samples.y))
    thresholds.set(
      label,
      bestThreshold(seen.flatMap((s) => examplesOf(s, samples.y, label))),
    );
  return scoresOf(samples).map(
    (score, i) => score - (thresholds.get(samples.y[i]!) as number),
  );
}

interface Example {
  readonly score: number;
  readonly member: boolean;
}

const examplesOf = (
  { scores, learned }: Pick<Shadow, "learned"> & { scores: Float64Array },
  y: Int32Array,
  label: number,
): Example[] =>
  learned.flatMap((member, i) =>
    y[i] === label ? [{ score: scores[i]!, member }] : [],
  );

/** What a member's score is at least, where members and others are told apart best. */
export function bestThreshold(examples: readonly Example[]): number {
  const sorted = [...examples].sort((a, b) => b.score - a.score);
  const members = sorted.filter((e) => e.member).length || 1;
  const others = sorted.length - members || 1;
  let [found, falsely, most] = [0, 0, Number.NEGATIVE_INFINITY];
  let best = sorted[0]?.score ?? 0;
  for (const [i, { score, member }] of sorted.entries()) {
    if (member) found++;
    else falsely++;
    const next = sorted[i + 1];
    // Samples of the same score are on the same side.
    if (next?.score === score) continue;
    const advantage = found / members - falsely / others;
    if (advantage > most) {
      most = advantage;
      best = next ? (score + next.score) / 2 : score;
    }
  }
  return best;
}
