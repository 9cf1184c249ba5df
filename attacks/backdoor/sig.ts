import { z } from "zod";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { mapPixels, plantOnTarget } from "./planting.ts";

/**
 * SIG (Barni et al. 2019, arXiv:1902.11237): a horizontal sinusoid, delta sin(2 pi j
 * f / width) in column j, is added to samples of the target class. No label is wrong.
 * The defaults, delta 40/255 and f = 6, are BackdoorBench's. The budget counts samples
 * as everywhere, where the paper gives shares of the class.
 */
export const sig = defineDataBackdoor({
  id: "sig",
  title: "Sinusoidal signal backdoor",
  summary:
    "Adds a wave along the columns to samples of the target class, whose labels stay right.",
  caution:
    "The budget counts samples of the set, and only those of the target class can carry it. On images of few pixels the wave has no room and success is low, which is no robustness.",
  reference: "Barni et al. 2019, arXiv:1902.11237",
  threat:
    "adds a signal to some fine-tuning samples of the target class, whose labels are right",
  cleanLabel: true,
  params: z.strictObject({
    ...plantingParams,
    delta: z
      .number()
      .positive()
      .max(1)
      .default(40 / 255)
      .describe("amplitude of the wave"),
    frequency: z
      .number()
      .positive()
      .default(6)
      .describe("periods of the wave over the width"),
  }),
  async plant(input) {
    const { delta, frequency } = input.params;
    const [, , width] = imageShape("sig", input.train.x);
    const wave = Array.from(
      { length: width },
      (_, j) => delta * Math.sin((2 * Math.PI * j * frequency) / width),
    );
    return plantOnTarget(input, (x) =>
      mapPixels(x, (v, _k, _r, c) => v + wave[c]!),
    );
  },
});
