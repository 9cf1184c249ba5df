import { type GraphBuilder, int } from "#onnx";
import { mean } from "../terms.ts";
import { countOf } from "./coral.ts";
import { defineDistance } from "./distance.ts";

/** Widths of the Gaussian kernels as powers of two of the mean squared distance. */
const POWERS = [-3, -2, -1, 0, 1] as const;

/**
 * Deep adaptation network (Long et al. 2015, arXiv:1502.02791): the loss on the
 * source plus lambda times the squared maximum mean discrepancy between both
 * domains' features in front of the head, with a sum of Gaussian kernels
 * exp(-d^2 / 2 sigma^2) whose sigma^2 are 1/8 to 2 times the mean squared distance
 * (as in Transfer-Learning-Library), unbiased: pairs of one sample with itself are
 * left out. The paper looks at several layers.
 */
export const mmd = defineDistance(
  {
    id: "mmd",
    title: "Maximum mean discrepancy (DAN)",
    summary:
      "Trains on the labelled source and makes the distributions of both domains' features alike, by maximum mean discrepancy.",
    caution:
      "The estimate of a small batch is noisy. Where classes are not equally frequent in both domains, making features alike does harm.",
    reference: "Long et al. 2015, arXiv:1502.02791",
  },
  "MMD",
  (g, { source, target }) => {
    const { b } = g;
    const pairs = {
      own: squaredDistances(b, source, source),
      theirs: squaredDistances(b, target, target),
      across: squaredDistances(b, source, target),
    };
    const means = [pairs.own, pairs.theirs, pairs.across, pairs.across].map(
      (d) => mean(b, d),
    );
    // The width of the kernels is measured, not learned.
    const scale = g.withGradientOf(
      b.add(b.mul(b.op("Sum", means), 1 / 4), 1e-12),
    );
    const kernel = (distances: string) =>
      b.op(
        "Sum",
        POWERS.map((p) => b.exp(b.div(distances, b.mul(scale, -2 * 2 ** p)))),
      );
    const n = countOf(b, source);
    const others = b.mul(n, b.op("Max", [b.sub(n, 1), b.scalar(1)]));
    // Each sample has every kernel at 1 with itself.
    const within = (distances: string) =>
      b.div(
        b.sub(b.reduceSum(kernel(distances), [0, 1]), b.mul(n, POWERS.length)),
        others,
      );
    const between = mean(b, kernel(pairs.across));
    return b.sub(
      b.add(within(pairs.own), within(pairs.theirs)),
      b.mul(between, 2),
    );
  },
);

/** Between rows [N, d] and [M, d]: [N, M], none below zero by rounding. */
function squaredDistances(b: GraphBuilder, x: string, y: string): string {
  const lengths = (rows: string) =>
    b.op("ReduceSum", [b.mul(rows, rows), b.ints([1])], { keepdims: int(1) });
  const product = b.op("MatMul", [x, b.transpose(y, [1, 0])]);
  const sums = b.add(lengths(x), b.transpose(lengths(y), [1, 0]));
  return b.op("Relu", [b.sub(sums, b.mul(product, 2))]);
}
