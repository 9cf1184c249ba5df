/** What is added to the diagonal, in parts of its mean: rows may depend on each other. */
const RIDGE = 1e-10;

/** The logarithm of a probability, which may have been rounded to 0. */
export const logOf = (p: number) => Math.log(Math.max(p, 1e-38));

/**
 * X with A X nearest to B: the least squares of more equations than unknowns, the
 * smallest solution of fewer.
 *
 * @param a [rows][unknowns]
 * @param b [rows][columns]
 * @returns [unknowns][columns]
 */
export function solve(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number[][] {
  const transposed = turned(a);
  if (a.length < transposed.length)
    return product(transposed, solvePositive(product(a, transposed), b));
  return solvePositive(product(transposed, a), product(transposed, b));
}

const turned = (a: readonly (readonly number[])[]): number[][] =>
  (a[0] ?? []).map((_, k) => a.map((row) => row[k]!));

function product(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number[][] {
  const width = b[0]?.length ?? 0;
  return a.map((row) => {
    const sum = new Array<number>(width).fill(0);
    for (const [k, v] of row.entries()) {
      const other = b[k]!;
      for (let j = 0; j < width; j++) sum[j] = sum[j]! + v * other[j]!;
    }
    return sum;
  });
}

/** Solves M X = B for a positive semidefinite M by Cholesky's L L^T. */
function solvePositive(
  m: number[][],
  b: readonly (readonly number[])[],
): number[][] {
  const n = m.length;
  const at = (rows: readonly (readonly number[])[], i: number, k: number) =>
    rows[i]![k]!;
  const ridge = (RIDGE * m.reduce((s, _, i) => s + at(m, i, i), 0)) / n;
  const lower = m.map(() => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    const row = lower[i]!;
    for (let j = 0; j <= i; j++) {
      let sum = at(m, i, j) + (i === j ? ridge : 0);
      for (let k = 0; k < j; k++) sum -= row[k]! * at(lower, j, k);
      row[j] =
        i === j
          ? Math.sqrt(Math.max(sum, Number.MIN_VALUE))
          : sum / at(lower, j, j);
    }
  }
  const x = b.map((row) => [...row]);
  const eliminate = (i: number, k: number, factor: number) => {
    const [into, from] = [x[i]!, x[k]!];
    for (const [j, v] of from.entries()) into[j] = into[j]! - factor * v;
  };
  const scale = (i: number) => {
    x[i] = x[i]!.map((v) => v / at(lower, i, i));
  };
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) eliminate(i, k, at(lower, i, k));
    scale(i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) eliminate(i, k, at(lower, k, i));
    scale(i);
  }
  return x;
}
