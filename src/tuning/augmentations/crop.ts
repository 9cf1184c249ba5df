import { z } from "zod";
import { defineAugmentation, eachImage } from "./augmentation.ts";

/**
 * Pads images on every side and cuts a random window of the old size, as is usual
 * for small images (He et al. 2016, arXiv:1512.03385: 4 pixels of 32).
 */
export const crop = defineAugmentation({
  id: "crop",
  title: "Random crop of the padded image",
  summary:
    "Pads images on every side and cuts out a random window of the old size.",
  caution:
    "The default of 4 pixels is for images of 32; on smaller ones it moves what matters out of the image.",
  reference: "He et al. 2016, arXiv:1512.03385",
  needs: ["images", "one answer"],
  isAlone: true,
  params: z.strictObject({
    padding: z
      .int()
      .positive()
      .default(4)
      .describe("pixels that are put on every side"),
  }),
  open: ({ padding }, context) =>
    eachImage("crop", context, (image, [, height, width], random, bounds) => {
      const down = random.below(2 * padding + 1) - padding;
      const right = random.below(2 * padding + 1) - padding;
      const black = Math.min(bounds[1], Math.max(bounds[0], 0));
      return image.map((_, i) => {
        const row = (Math.floor(i / width) % height) + down;
        const column = (i % width) + right;
        return row >= 0 && row < height && column >= 0 && column < width
          ? image[i + down * width + right]!
          : black;
      });
    }),
});
