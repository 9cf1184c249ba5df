import { z } from "zod";
import { defineAugmentation, eachImage } from "./augmentation.ts";

/**
 * Mirrors images left to right with a probability (Krizhevsky et al. 2012, NeurIPS).
 */
export const flip = defineAugmentation({
  id: "flip",
  title: "Horizontal flip",
  summary: "Mirrors images left to right with a probability.",
  caution: "It harms where left and right matter, as in digits and letters.",
  reference: "Krizhevsky et al. 2012, NeurIPS",
  needs: ["images", "one answer"],
  isAlone: true,
  params: z.strictObject({
    probability: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("how likely an image is mirrored"),
  }),
  open: ({ probability }, context) =>
    eachImage("flip", context, (image, [, , width], random) => {
      if (random.uniform() >= probability) return image;
      return image.map((_, i) => {
        const column = i % width;
        return image[i - column + (width - 1 - column)]!;
      });
    }),
});
