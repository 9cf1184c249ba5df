import type { LossGraph } from "#tuning";
import { mean } from "#tuning";

/** Kernels, each twice as wide as the one before. */
const KERNELS = 5;

/**
 * The squared maximum mean discrepancy of rows [N, width] from as many others (Gretton
 * et al. 2012): five Gaussian kernels around the mean squared distance of all pairs,
 * which is held fixed, summed. Twins count as pairs, so that it is at least 0.
 */
export function discrepancy(
  g: Pick<LossGraph, "b" | "withGradientOf">,
  x: string,
  y: string,
): string {
  const { b } = g;
  const all = b.concat([x, y], 0);
  const lengths = b.reduceSum(b.mul(all, all), [1], true);
  const products = b.matmul(all, b.transpose(all, [1, 0]));
  const sums = b.add(lengths, b.transpose(lengths, [1, 0]));
  const far = b.op("Relu", [b.sub(sums, b.mul(products, 2))]);
  const rows = b.cast(b.slice(b.shapeOf(all), [0], [1], [0]), "float32");
  const pairs = b.mul(rows, b.sub(rows, 1));
  const width = g.withGradientOf(b.add(b.div(b.reduceSum(far), pairs), 1e-12));
  let kernel: string | undefined;
  for (let k = 0; k < KERNELS; k++) {
    const scaled = b.div(far, b.mul(width, 2 ** (k - (KERNELS >> 1))));
    const one = b.exp(b.neg(scaled));
    kernel = kernel === undefined ? one : b.add(kernel, one);
  }
  // 1 for rows of x and -1 for the others: the mean of s_i s_j k(i, j) over N^2 pairs.
  const one = b.op("Mul", [b.reduceSum(x, [1], true), b.scalar(0)]);
  const other = b.op("Mul", [b.reduceSum(y, [1], true), b.scalar(0)]);
  const signs = b.concat([b.add(one, 1), b.sub(other, 1)], 0);
  const signed = b.mul(signs, b.transpose(signs, [1, 0]));
  return b.mul(mean(b, b.mul(kernel as string, signed)), 4);
}
