import { z } from "zod";
import { defineAugmentation, eachImage } from "./augmentation.ts";

const reach = z
  .number()
  .min(0)
  .max(1)
  .default(0.4)
  .describe("how far the factor may be from 1");

/** What grey a colour has (ITU-R BT.601). */
const GREY = [0.299, 0.587, 0.114] as const;

/**
 * Colour jitter (Howard 2013, arXiv:1312.5402): brightness, contrast and, of
 * images of three channels, saturation are multiplied by uniformly random
 * factors of 1 - s to 1 + s, in this order.
 */
export const colour = defineAugmentation({
  id: "colour",
  title: "Colour jitter",
  summary:
    "Multiplies brightness, contrast and, in colour, saturation by random factors.",
  caution:
    "It harms where colour tells classes apart. Values that leave the bounds are cut, so strong jitter loses detail.",
  reference: "Howard 2013, arXiv:1312.5402",
  needs: ["images"],
  isAlone: true,
  params: z.strictObject({
    brightness: reach,
    contrast: reach,
    saturation: reach,
  }),
  open: ({ brightness, contrast, saturation }, context) =>
    eachImage("colour", context, (image, [channels], random, [low, high]) => {
      const factor = (s: number) => 1 + s * (2 * random.uniform() - 1);
      const [bright, strong, vivid] = [brightness, contrast, saturation].map(
        factor,
      ) as [number, number, number];
      const clip = (v: number) => Math.min(high, Math.max(low, v));
      const size = image.length / channels;
      const lit = image.map((v) => clip(low + bright * (v - low)));
      const grey = greyOf(lit, channels);
      const middle = grey.reduce((sum, v) => sum + v, 0) / size;
      const apart = lit.map((v) => clip(middle + strong * (v - middle)));
      if (channels !== 3) return apart;
      const faded = greyOf(apart, channels);
      return apart.map((v, i) => {
        const g = faded[i % size]!;
        return clip(g + vivid * (v - g));
      });
    }),
});

function greyOf(image: Float32Array, channels: number): Float32Array {
  const size = image.length / channels;
  return Float32Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++)
      sum +=
        (channels === 3 ? (GREY[c] as number) : 1 / channels) *
        image[c * size + i]!;
    return sum;
  });
}
