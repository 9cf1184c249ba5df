/** The highest score of another class less that of the true one: above 0 where the sample is misclassified. */
export function marginOf(scores: Float32Array, label: number): number {
  let other = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < scores.length; k++)
    if (k !== label) other = Math.max(other, scores[k]!);
  return other - scores[label]!;
}

/** -log softmax of the true class. */
export function crossEntropyOf(scores: Float32Array, label: number): number {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let k = 0; k < scores.length; k++) sum += Math.exp(scores[k]! - most);
  return Math.log(sum) - (scores[label]! - most);
}
