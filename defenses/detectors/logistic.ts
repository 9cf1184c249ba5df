import { solve } from "#core";

/**
 * A weighing of features: the logit of the probability that a row is positive is
 * bias + weights . row.
 */
export interface Logistic {
  readonly weights: Float64Array;
  readonly bias: number;
}

/** Newton steps. The loss is convex, and ten are plenty. */
const STEPS = 50;

/**
 * Logistic regression with half the squared weights as penalty (scikit-learn's
 * default, C = 1) on features brought to mean 0 and variance 1, by Newton's
 * method.
 *
 * @param rows of features
 * @param positive whether each row is
 */
export function logistic(
  rows: readonly (readonly number[])[],
  positive: readonly boolean[],
): Logistic {
  const width = rows[0]?.length ?? 0;
  const means = Array.from({ length: width }, (_, k) => meanOf(rows, k));
  const spreads = means.map((mean, k) => {
    const square = rows.reduce((s, r) => s + (r[k]! - mean) ** 2, 0);
    return Math.sqrt(square / rows.length) || 1;
  });
  // The last number is that of the bias, which is not penalised.
  const scaled = rows.map((row) => [
    ...row.map((v, k) => (v - means[k]!) / spreads[k]!),
    1,
  ]);
  let w = new Float64Array(width + 1);
  for (let step = 0; step < STEPS; step++) {
    const slope = Float64Array.from(w, (v, k) => (k < width ? v : 0));
    const curve = new Float64Array((width + 1) ** 2);
    for (let k = 0; k < width; k++) curve[k * (width + 1) + k] = 1;
    scaled.forEach((row, i) => {
      const z = row.reduce((s, v, k) => s + v * w[k]!, 0);
      const p = 1 / (1 + Math.exp(-z));
      const off = p - (positive[i] ? 1 : 0);
      for (let k = 0; k <= width; k++) {
        slope[k] = slope[k]! + off * row[k]!;
        for (let l = 0; l <= width; l++) {
          const at = k * (width + 1) + l;
          curve[at] = curve[at]! + p * (1 - p) * row[k]! * row[l]!;
        }
      }
    });
    // Where every row is certain the bias has no curvature left.
    const last = curve.length - 1;
    curve[last] = curve[last]! + 1e-9;
    const change = solve(curve, slope);
    w = w.map((v, k) => v - change[k]!);
    if (change.every((c) => Math.abs(c) < 1e-9)) break;
  }
  const weights = Float64Array.from(spreads, (spread, k) => w[k]! / spread);
  const bias = means.reduce(
    (sum, mean, k) => sum - mean * weights[k]!,
    w[width]!,
  );
  return { weights, bias };
}

const meanOf = (rows: readonly (readonly number[])[], k: number) =>
  rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length;
