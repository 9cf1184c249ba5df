import { logSumExp } from "#core";

/**
 * The highest score of another class less that of the true one: above 0 where the
 * sample is misclassified.
 */
export function marginOf(scores: Float32Array, label: number): number {
  let other = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < scores.length; k++)
    if (k !== label) other = Math.max(other, scores[k]!);
  return other - scores[label]!;
}

/** -log softmax of the true class. */
export const crossEntropyOf = (scores: Float32Array, label: number): number =>
  logSumExp(scores) - scores[label]!;
