/** Where cubic convolution is steepest; PyTorch's constant. */
const A = -0.75;

/**
 * Weights of the four values around a point `t` behind the second of them (Keys 1981).
 */
function weights(t: number): [number, number, number, number] {
  const near = (d: number) => ((A + 2) * d - (A + 3)) * d * d + 1;
  const far = (d: number) => A * (((d - 5) * d + 8) * d - 4);
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/**
 * A square of side k enlarged to height x width, corners on corners, as PyTorch's
 * `interpolate` does.
 */
export function bicubic(
  values: ArrayLike<number>,
  k: number,
  height: number,
  width: number,
): Float64Array {
  const taps = (length: number) =>
    Array.from({ length }, (_, o) => {
      const at = length > 1 ? (o * (k - 1)) / (length - 1) : 0;
      const from = Math.min(Math.floor(at), k - 1);
      return weights(at - from).map((weight, i) => ({
        weight,
        index: Math.min(k - 1, Math.max(0, from + i - 1)),
      }));
    });
  const [down, right] = [taps(height), taps(width)];
  const out = new Float64Array(height * width);
  for (const [r, rows] of down.entries())
    for (const [c, columns] of right.entries())
      for (const row of rows)
        for (const column of columns)
          out[r * width + c] =
            out[r * width + c]! +
            row.weight * column.weight * values[row.index * k + column.index]!;
  return out;
}
