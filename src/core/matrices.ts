/**
 * The lower triangle L of a symmetric positive definite matrix A = L L' of
 * n x n numbers, row by row (Cholesky). A pivot that rounding made negative is
 * taken for next to nothing.
 */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] =
        i === j
          ? Math.sqrt(Math.max(sum, Number.MIN_VALUE))
          : sum / l[j * n + j]!;
    }
  }
  return l;
}

/** The inverse of a lower triangle. */
export function inverseOfLower(l: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let column = 0; column < n; column++) {
    for (let i = column; i < n; i++) {
      let sum = i === column ? 1 : 0;
      for (let k = column; k < i; k++)
        sum -= l[i * n + k]! * inverse[k * n + column]!;
      inverse[i * n + column] = sum / l[i * n + i]!;
    }
  }
  return inverse;
}

/**
 * X with A X = B for a symmetric positive definite A of n x n numbers and B of n rows.
 */
export function solve(
  a: Float64Array,
  b: Float64Array,
  n = b.length,
): Float64Array {
  const l = inverseOfLower(cholesky(a, n), n);
  const columns = b.length / n;
  const half = b.map((_, at) => {
    const [i, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k <= i; k++)
      sum += l[i * n + k]! * b[k * columns + column]!;
    return sum;
  });
  return b.map((_, at) => {
    const [i, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = i; k < n; k++)
      sum += l[k * n + i]! * half[k * columns + column]!;
    return sum;
  });
}
