/**
 * P-values of several tests, each as large as the level at which it is rejected when
 * the chance of any false rejection among all of them is held (Holm 1979, Scandinavian
 * Journal of Statistics 6:65), however the tests depend on each other.
 *
 * @returns in the order of `pValues`, each in [0, 1]
 */
export function holm(pValues: readonly number[]): number[] {
  const order = [...pValues.keys()].sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, (pValues.length - rank) * pValues[i]!);
    adjusted[i] = Math.min(1, largest);
  }
  return adjusted;
}
