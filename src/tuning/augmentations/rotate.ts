import { z } from "zod";
import { posed } from "#core";
import { defineAugmentation, eachImage } from "./augmentation.ts";

/**
 * Turns images by a uniformly random angle, bilinear, black where the image ends
 * (Simard et al. 2003, ICDAR).
 */
export const rotate = defineAugmentation({
  id: "rotate",
  title: "Random rotation",
  summary: "Turns images by a random angle.",
  caution:
    "It harms where angles matter (6 and 9), and blackens the corners of images that are not black there.",
  reference: "Simard et al. 2003, ICDAR",
  needs: ["images", "one answer"],
  isAlone: true,
  params: z.strictObject({
    degrees: z
      .number()
      .positive()
      .max(180)
      .default(15)
      .describe("the largest angle, in degrees"),
  }),
  open: ({ degrees }, context) =>
    eachImage("rotate", context, (image, shape, random, bounds) => {
      const angle = degrees * (2 * random.uniform() - 1);
      return posed(image, shape, { angle, down: 0, right: 0 }, bounds);
    }),
});
