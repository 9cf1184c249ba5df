/** The sample indices of each class, in ascending order. */
export function indicesByClass(y: Int32Array, classes: number): number[][] {
  const groups: number[][] = Array.from({ length: classes }, () => []);
  y.forEach((label, index) => {
    groups[label]?.push(index);
  });
  return groups;
}

/**
 * Whole numbers that add up to `total`, each less than one from its quota
 * (largest remainder; the first of equals). The quotas must add up to `total`.
 */
export function apportion(quotas: readonly number[], total: number): number[] {
  const counts = quotas.map(Math.floor);
  const left = total - counts.reduce((sum, count) => sum + count, 0);
  const byRemainder = quotas
    .map((quota, i) => ({ i, remainder: quota - Math.floor(quota) }))
    .sort((a, b) => b.remainder - a.remainder);
  for (const { i } of byRemainder.slice(0, left)) {
    counts[i] = counts[i]! + 1;
  }
  return counts;
}
