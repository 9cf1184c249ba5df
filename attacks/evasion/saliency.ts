/**
 * The pair of numbers that a saliency map ranks first (Papernot et al. 2016,
 * arXiv:1511.07528, algorithm 3): of those whose sum of gains is above 0 and sum
 * of losses below 0, the one with the largest product of the two.
 *
 * @param gains slope of the logit that is wanted, along each number
 * @param others slope of the sum of the other logits
 * @param free whether a number may still change
 * @returns none where no pair has the right signs
 */
export function salientPair(
  gains: Float32Array,
  others: Float32Array,
  free: (k: number) => boolean,
): [number, number] | undefined {
  const points: Point[] = [];
  for (let k = 0; k < gains.length; k++) {
    const [gain, fall] = [gains[k]!, -others[k]!];
    if (free(k)) points.push({ k, gain, fall });
  }
  const some = undominated(points);
  let best: [number, number] | undefined;
  let most = 0;
  for (const [at, one] of some.entries())
    for (const other of some.slice(at + 1)) {
      const gain = one.gain + other.gain;
      const fall = one.fall + other.fall;
      if (gain <= 0 || fall <= 0 || gain * fall <= most) continue;
      most = gain * fall;
      best = [one.k, other.k];
    }
  return best;
}

interface Point {
  readonly k: number;
  readonly gain: number;
  readonly fall: number;
}

/**
 * The points that at most one other beats in both. The best pair is among them:
 * a point that two others beat could be replaced by one that is not in the
 * pair. Without this a pair of an image costs the square of its size.
 */
function undominated(points: readonly Point[]): Point[] {
  const ranked = points.toSorted(
    (a, b) => b.gain - a.gain || b.fall - a.fall || a.k - b.k,
  );
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return ranked.filter(({ fall }) => {
    const kept = fall > second;
    if (fall > first) [first, second] = [fall, first];
    else if (fall > second) second = fall;
    return kept;
  });
}
