/**
 * An image as a PNG of 8 bits a channel.
 *
 * @param data [C, H, W] in [0, 1]; one channel or three
 */
export async function encodePng(
  data: ArrayLike<number>,
  [channels, height, width]: readonly [number, number, number],
): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const area = height * width;
  const bytes = Uint8Array.from({ length: channels * area }, (_, i) =>
    Math.round(255 * data[(i % channels) * area + Math.floor(i / channels)]!),
  );
  const raw = { width, height, channels: channels as 1 | 3 };
  return sharp(bytes, { raw }).png().toBuffer();
}
