import { z } from "zod";
import { int } from "#onnx";
import { imageShape, mirrored } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Median smoothing (feature squeezing, Xu et al. 2018, arXiv:1704.01155): each
 * pixel becomes the median of the size x size window around it, the image
 * reflected at its edge. Of an even number of values the upper median is
 * taken, and an even window reaches one further up and left, as in the
 * `scipy.ndimage.median_filter` that the paper uses.
 */
export const median = defineSanitizer({
  id: "median",
  title: "Median smoothing",
  summary: "Each pixel becomes the median of the window around it.",
  caution:
    "Only attacks through its exact gradient count: straight through, it looks far more robust than it is. It costs clean accuracy on small images.",
  reference: "Xu et al. 2018, arXiv:1704.01155",
  needs: ["images"],
  params: z.strictObject({
    size: z
      .int()
      .min(2)
      .max(7)
      .default(2)
      .describe("width of the window in pixels"),
  }),
  // The gradient goes to the pixel that is the median. Attacks through it are
  // far stronger than straight-through ones, which would flatter the defence.
  gradient: "exact",
  build(b, x, { size }, { contract }) {
    const [, height, width] = imageShape("median", contract);
    const before = Math.floor(size / 2);
    const after = size - 1 - before;
    const padded = mirrored(b, x, [height, width], before, after);
    const shifted: string[] = [];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        shifted.push(
          b.unsqueeze(
            b.slice(padded, [i, j], [i + height, j + width], [2, 3]),
            [4],
          ),
        );
      }
    }
    const rank = Math.floor((size * size) / 2);
    const ascending = b.many(
      "TopK",
      [b.concat(shifted, 4), b.ints([rank + 1])],
      { axis: int(4), largest: int(0) },
      2,
    )[0]!;
    return b.squeeze(b.slice(ascending, [rank], [rank + 1], [4]), [4]);
  },
});
