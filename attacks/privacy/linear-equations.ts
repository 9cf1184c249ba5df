import { solve as solveDefinite } from "#core";

/**
 * What is added to the diagonal, in parts of its mean: rows may depend on each other.
 */
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

/** Solves M X = B for a positive semidefinite M. */
function solvePositive(
  m: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number[][] {
  const n = m.length;
  const whole = Float64Array.from(m.flat());
  let trace = 0;
  for (let i = 0; i < n; i++) trace += whole[i * n + i]!;
  for (let i = 0; i < n; i++)
    whole[i * n + i] = whole[i * n + i]! + (RIDGE * trace) / n;
  const x = solveDefinite(whole, Float64Array.from(b.flat()), n);
  const columns = x.length / n;
  return b.map((_, i) => [...x.subarray(i * columns, (i + 1) * columns)]);
}
