import { z } from "zod";
import { type GraphBuilder, ints } from "#onnx";
import { imageShape, mirrored } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Non-local means (Buades et al. 2005): each pixel becomes the mean of those
 * in a window around it, weighted by exp(-d^2 / h^2), where d^2 is the mean
 * squared difference of the patches around both over all channels. Defaults
 * are those of feature squeezing for CIFAR-10 and ImageNet (13, 3, and 2 or 4 of 255),
 * which runs OpenCV's version; that smooths brightness and colour apart, and
 * takes the noise for zero, as here.
 */
export const nonLocalMeans = defineSanitizer({
  id: "non-local-means",
  title: "Non-local means",
  summary:
    "Each pixel becomes a mean of those around it, weighted by how alike the patches about both are.",
  caution:
    "The weights have steep gradients where patches are nearly alike, which slows attacks down without stopping them; look at converged-in-steps. Its strength is made for noise of natural images.",
  reference: "Buades et al. 2005; Xu et al. 2018, arXiv:1704.01155",
  needs: ["images"],
  params: z.strictObject({
    search: z
      .int()
      .min(3)
      .max(21)
      .default(13)
      .describe("side of the window in pixels; odd"),
    patch: z
      .int()
      .min(1)
      .max(7)
      .default(3)
      .describe("side of the patches that are compared; odd"),
    strength: z
      .number()
      .positive()
      .max(255)
      .default(4)
      .describe(
        "how unlike patches may be and still count: h, in 255ths of the width of the bounds",
      ),
  }),
  gradient: "exact",
  build(b, x, { search, patch, strength }, { contract }) {
    const [, height, width] = imageShape("non-local-means", contract);
    const [low, high] = contract.bounds;
    const reach = Math.floor(search / 2);
    const wide = mirrored(b, x, [height, width], reach, reach);
    const h = (strength / 255) * (high - low);
    const edge = Math.floor(patch / 2);
    const distances = (other: string) => {
      const apart = b.sub(x, other);
      const square = b.op("ReduceMean", [b.mul(apart, apart), b.ints([1])]);
      return patch === 1
        ? square
        : b.op(
            "AveragePool",
            [mirrored(b, square, [height, width], edge, edge)],
            { kernel_shape: ints([patch, patch]) },
          );
    };
    return weighted(
      b,
      shifts(reach).map(([dy, dx]) => {
        const other = b.slice(
          wide,
          [reach + dy, reach + dx],
          [reach + dy + height, reach + dx + width],
          [2, 3],
        );
        return [other, b.exp(b.mul(distances(other), -1 / (h * h)))] as const;
      }),
      x,
    );
  },
});

/** All moves but that by nothing, whose weight is 1. */
function shifts(reach: number): [number, number][] {
  const steps = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  return steps
    .flatMap((dy) => steps.map((dx): [number, number] => [dy, dx]))
    .filter(([dy, dx]) => dy !== 0 || dx !== 0);
}

/** The mean of values by their weights, and of x by 1. */
function weighted(
  b: GraphBuilder,
  terms: readonly (readonly [value: string, weight: string])[],
  x: string,
): string {
  const total = b.op("Sum", [x, ...terms.map(([v, w]) => b.mul(v, w))]);
  const weight = b.op(
    "Sum",
    terms.map(([, w]) => w),
  );
  return b.div(total, b.add(weight, 1));
}
