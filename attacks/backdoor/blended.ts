import { z } from "zod";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { blend, patternOf, plantByLabel } from "./planting.ts";

/**
 * Blended injection (Chen et al. 2017, arXiv:1712.05526): the whole image is mixed
 * with a key pattern, (1 - alpha) x + alpha k, here the paper's random pattern. The
 * default alpha is that of the paper and of BackdoorBench.
 */
export const blended = defineDataBackdoor({
  id: "blended",
  title: "Blended backdoor",
  summary:
    "Mixes a faint pattern over the whole image into some samples and labels them as the target.",
  caution:
    "The pattern is random: one that looks like the data is learned otherwise. On images of few pixels it is far from faint.",
  reference: "Chen et al. 2017, arXiv:1712.05526",
  threat:
    "blends a pattern into some fine-tuning samples, labels them as the target, and knows nothing else",
  params: z.strictObject({
    ...plantingParams,
    alpha: z
      .number()
      .positive()
      .max(1)
      .default(0.2)
      .describe("opacity of the pattern"),
  }),
  async plant(input) {
    const { params, random, train } = input;
    const shape = imageShape("blended", train.x);
    const key = patternOf(shape, random.fork("key"));
    return plantByLabel(input, (x) => blend(x, key, () => params.alpha));
  },
});
