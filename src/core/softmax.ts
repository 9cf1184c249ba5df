/** Probabilities of classes from their logits, without overflow. */
export function softmax(logits: ArrayLike<number>): number[] {
  const top = largest(logits);
  const powers = Array.from(logits, (z) => Math.exp(z - top));
  const total = powers.reduce((sum, v) => sum + v, 0);
  return powers.map((v) => v / total);
}

/** log of the sum of exponentials, without overflow. */
export function logSumExp(values: ArrayLike<number>): number {
  const top = largest(values);
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += Math.exp(values[k]! - top);
  return top + Math.log(sum);
}

function largest(values: ArrayLike<number>): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < values.length; k++) top = Math.max(top, values[k]!);
  return top;
}
