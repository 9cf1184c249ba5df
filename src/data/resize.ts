import { z } from "zod";
import { type FloatTensor, takeRows } from "#onnx";
import { bytesAs, putPlanes } from "./bytes.ts";
import { concurrently } from "./concurrently.ts";

/** How a source states it. */
export const imageSize = z
  .int()
  .min(1)
  .max(1024)
  .optional()
  .describe("Height and width that images are stretched to.");

/** Images that are resampled at once. */
const LANES = 8;

/**
 * Images [N, C, H, W] of 1 or 3 channels in [0, 1], stretched to size x size by the
 * same resampling as image files, in 8 bits; the same tensor when they have that size.
 */
export async function resized(
  x: FloatTensor,
  size: number | undefined,
): Promise<FloatTensor> {
  const [count = 0, channels = 1, height = 1, width = 1] = x.dims;
  if (size === undefined || (height === size && width === size)) return x;
  // Loaded where it is needed: it is a fifth of what a command takes to start.
  const { default: sharp } = await import("sharp");
  const area = height * width;
  const to = new Uint8Array(count * channels * size * size);
  await concurrently(
    Array.from({ length: count }, (_, i) => i),
    LANES,
    async (i) => {
      const { data } = takeRows(x, [i]);
      const bytes = new Uint8Array(channels * area);
      for (let c = 0; c < channels; c++)
        for (let p = 0; p < area; p++)
          bytes[p * channels + c] = Math.round(255 * data[c * area + p]!);
      const raw = { height, width, channels: channels as 1 | 3 };
      const small = await sharp(bytes, { raw })
        .resize(size, size, { fit: "fill" })
        .toColourspace(channels === 1 ? "b-w" : "srgb")
        .raw({ depth: "uchar" })
        .toBuffer();
      putPlanes(to, i * channels * size * size, small, channels);
    },
  );
  return bytesAs([count, channels, size, size], to);
}
