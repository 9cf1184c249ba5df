import type { FloatTensor } from "#onnx";
import type { Example } from "../results/index.ts";

/** Whether samples are images of one or three channels. */
export const canBeShown = ({ dims: [, channels, ...more] }: FloatTensor) =>
  more.length === 2 && (channels === 1 || channels === 3);

/** One sample as 8-bit pixels, channels last. */
export function picture(
  x: FloatTensor,
  row: number,
  unit: (v: number) => number,
): Example["original"] {
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const area = height * width;
  const pixels = new Uint8Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < area; p++) {
      const v = x.data[(row * channels + c) * area + p]!;
      pixels[p * channels + c] = Math.round(
        255 * Math.min(1, Math.max(0, unit(v))),
      );
    }
  }
  return {
    width,
    height,
    channels: channels as 1 | 3,
    pixels: Buffer.from(pixels).toString("base64"),
  };
}
