import { z } from "zod";
import { filtered } from "../filter.ts";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Mean smoothing: each pixel becomes the mean of the size x size window around
 * it, the image mirrored at its edge; the plainest of the filters by which Li
 * and Li tell adversarial images from others.
 */
export const mean = defineSanitizer({
  id: "mean",
  title: "Mean smoothing",
  summary: "Each pixel becomes the mean of the window around it.",
  caution:
    "It is linear, so an attack that knows it goes through it as if it were a layer: numbers of examples that were made without it say nothing.",
  reference: "Li and Li 2017, arXiv:1612.07767",
  needs: ["images"],
  params: z.strictObject({
    size: z
      .int()
      .min(2)
      .max(9)
      .default(3)
      .describe("width of the window in pixels; 3 in the paper"),
  }),
  gradient: "exact",
  build: (b, x, { size }, { contract }) =>
    filtered(
      b,
      x,
      imageShape("mean", contract),
      new Array<number>(size).fill(1 / size),
    ),
});
