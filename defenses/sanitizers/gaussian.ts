import { z } from "zod";
import { filtered } from "../filter.ts";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Gaussian smoothing: a convolution with a Gaussian cut at four standard
 * deviations, the image mirrored at its edge, as `scipy.ndimage.gaussian_filter` does
 * it. Among the spatial filters that feature squeezing is part of (Xu et al. 2018).
 */
export const gaussian = defineSanitizer({
  id: "gaussian",
  title: "Gaussian smoothing",
  summary: "A convolution with a Gaussian: blurs each image.",
  caution:
    "It is linear, so an attack that knows it goes through it as if it were a layer: numbers of examples that were made without it say nothing.",
  reference: "Xu et al. 2018, arXiv:1704.01155",
  needs: ["images"],
  params: z.strictObject({
    sigma: z
      .number()
      .positive()
      .max(10)
      .default(1)
      .describe("standard deviation in pixels"),
  }),
  gradient: "exact",
  build(b, x, { sigma }, { contract }) {
    const radius = Math.floor(4 * sigma + 0.5);
    const bell = Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
    );
    const total = bell.reduce((sum, v) => sum + v, 0);
    return filtered(
      b,
      x,
      imageShape("gaussian", contract),
      bell.map((v) => v / total),
    );
  },
});
