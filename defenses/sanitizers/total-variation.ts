import { z } from "zod";
import { type FloatTensor, floats, type GraphBuilder } from "#onnx";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Step sizes of the primal and dual steps. Their product is below 1/8, the bound for
 * differences along two axes.
 */
const PRIMAL = 2;
const DUAL = 1 / 16;

/**
 * Total variation minimisation (Guo et al. 2018, arXiv:1711.00117): pixels
 * are dropped at random, and the image is made anew as the z that minimises
 * |m (z - x)|^2 + lambda TV(z), m being 1 where a pixel was kept. As in the
 * authors' code the variation is the sum of the absolute differences of
 * neighbours (the paper writes norms of whole rows of them), lambda 0.03
 * and half of the pixels are kept. Instead of by split Bregman it is found by
 * a fixed number of primal-dual steps (Chambolle and Pock 2011), which are
 * part of the graph.
 */
export const totalVariation = defineSanitizer({
  id: "total-variation",
  title: "Total variation minimisation",
  summary:
    "Drops pixels at random and makes the smoothest image that fits those that are left.",
  caution:
    "It draws at random: attacks whose gradient is not the mean of at least 20 draws (`eot`) are not trusted. With few `iterations` the image is not yet the smoothest.",
  reference: "Guo et al. 2018, arXiv:1711.00117",
  needs: ["images"],
  params: z.strictObject({
    keep: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe(
        "share of the pixels that are kept; 1 drops none, and then nothing is drawn",
      ),
    lambda: z
      .number()
      .positive()
      .default(0.03)
      .describe("weight of the variation"),
    iterations: z
      .int()
      .min(1)
      .max(500)
      .default(50)
      .describe("steps of the search for the smoothest image"),
  }),
  gradient: "exact",
  draws: true,
  build(b, x, { keep, lambda, iterations }, { contract }, { draw }) {
    const [, height, width] = imageShape("total-variation", contract);
    const [low, high] = contract.bounds;
    const unit = b.div(b.sub(x, low), high - low);
    const kept =
      keep === 1
        ? b.scalar(1)
        : b.mask(b.less(draw("uniform", [1, height, width]), keep), x);
    // What was dropped begins as grey, so that nothing of it is left.
    const seen = b.mul(kept, unit);
    const start = b.add(seen, b.mul(b.sub(1, kept), 0.5));
    const z = minimised(b, start, [seen, kept], [height, width], {
      lambda,
      iterations,
    });
    return b.add(b.mul(z, high - low), low);
  },
});

function minimised(
  b: GraphBuilder,
  start: string,
  [seen, kept]: readonly [string, string],
  size: readonly [number, number],
  { lambda, iterations }: { lambda: number; iterations: number },
): string {
  const axes = axesOf(b, size);
  const limit = [b.scalar(-lambda), b.scalar(lambda)];
  const pull = b.mul(seen, 2 * PRIMAL);
  const weight = b.add(b.mul(kept, 2 * PRIMAL), 1);
  let z = start;
  let duals: string[] = [];
  let ahead = start;
  for (let step = 0; step < iterations; step++) {
    duals = axes.map(({ differences }, k) => {
      const up = b.mul(differences(ahead), DUAL);
      const before = duals[k];
      return b.op("Clip", [before ? b.add(before, up) : up, ...limit]);
    });
    const back = axes.map(({ adjoint }, k) => adjoint(duals[k]!));
    const moved = back.reduce((at, v) => b.sub(at, b.mul(v, PRIMAL)), z);
    const next = b.div(b.add(moved, pull), weight);
    ahead = b.sub(b.mul(next, 2), z);
    z = next;
  }
  return z;
}

/** Differences of neighbours along each axis that has any, and their adjoints. */
function axesOf(b: GraphBuilder, [height, width]: readonly [number, number]) {
  const down = () => b.constant(stencil(height));
  const right = () => b.constant(stencil(width));
  const turned = (v: string) => b.transpose(v, [1, 0]);
  const [d, r] = [height > 1 ? down() : "", width > 1 ? right() : ""];
  const [dt, rt] = [d && turned(d), r && turned(r)];
  return [
    {
      there: d,
      differences: (z: string) => b.matmul(d, z),
      adjoint: (p: string) => b.matmul(dt, p),
    },
    {
      there: r,
      differences: (z: string) => b.matmul(z, rt),
      adjoint: (p: string) => b.matmul(p, r),
    },
  ].filter(({ there }) => there);
}

/** [length - 1, length]: each row takes a number from the next. */
function stencil(length: number): FloatTensor {
  const data = new Float32Array((length - 1) * length);
  for (let i = 0; i + 1 < length; i++) {
    data[i * length + i] = -1;
    data[i * length + i + 1] = 1;
  }
  return floats([length - 1, length], data);
}
