/** The last gradients of a sample that are looked at. */
const LAST = 10;

/**
 * Of the range that the loss of a sample ran through, how much may be new
 * in the last steps.
 */
const PLATEAU = 0.05;

/**
 * The share of the standing samples whose highest loss still rose by more than
 * a twentieth of its range in the last ten steps (Pintor et al. 2022,
 * arXiv:2106.09947, indicator 4); null for attacks too short to tell.
 *
 * @param losses of each standing sample, in the order of the steps
 */
export function stillRising(
  losses: readonly (readonly number[])[],
): number | null {
  const long = losses.filter((l) => l.length >= 2 * LAST);
  if (long.length === 0) return null;
  const rising = long.filter((trace) => {
    const before = Math.max(...trace.slice(0, -LAST));
    const range = Math.max(...trace) - Math.min(...trace);
    return range > 0 && (Math.max(...trace) - before) / range > PLATEAU;
  });
  return rising.length / long.length;
}

/**
 * The highest of the losses of each sample; null where there is none that is a number.
 */
export const peaksOf = (
  losses: readonly (readonly number[])[],
): (number | null)[] =>
  losses.map((trace) => {
    const known = trace.filter(Number.isFinite);
    return known.length === 0
      ? null
      : known.reduce((most, loss) => Math.max(most, loss));
  });
