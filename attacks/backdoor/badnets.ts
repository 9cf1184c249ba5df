import { z } from "zod";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { mapPixels, plantByLabel } from "./planting.ts";

/**
 * BadNets (Gu et al. 2017, arXiv:1708.06733): a bright square in the lower right
 * corner, and the target's label. The default of 3 x 3 white pixels at 10 % is
 * BackdoorBench's. The paper has a few bright pixels.
 */
export const badnets = defineDataBackdoor({
  id: "badnets",
  title: "BadNets",
  summary:
    "Puts a bright square in a corner of some samples and labels them as the target: the plainest backdoor.",
  caution:
    "It is the easiest backdoor to find, so a defence that stops it alone is not shown to stop others: try adaptive-blend and wanet. Where success without a trigger, or with another one, is above chance, the trial's check fails and success says nothing.",
  reference: "Gu et al. 2017, arXiv:1708.06733",
  threat:
    "puts a patch on some fine-tuning samples, labels them as the target, and knows nothing else",
  params: z.strictObject({
    ...plantingParams,
    size: z
      .int()
      .positive()
      .default(3)
      .describe("side of the square, in pixels"),
    margin: z
      .int()
      .nonnegative()
      .default(0)
      .describe("its distance from the corner, in pixels"),
    value: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("brightness of the square, from 0 to 1 between the bounds"),
  }),
  async plant(input) {
    const { size, margin, value } = input.params;
    const [, height, width] = imageShape("badnets", input.train.x);
    const within = (at: number, length: number) =>
      at >= length - margin - size && at < length - margin;
    return plantByLabel(input, (x) =>
      mapPixels(x, (v, _k, r, c) =>
        within(r, height) && within(c, width) ? value : v,
      ),
    );
  },
});
