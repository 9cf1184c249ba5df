import type { Example } from "#results";

/**
 * 8-bit pixels, row-major height x width x channels, as a PNG without loss and of as
 * many channels.
 */
export async function encodePng(
  pixels: Uint8Array,
  raw: Omit<Example["original"], "pixels">,
): Promise<Buffer> {
  const { default: sharp } = await import("sharp");
  return sharp(pixels, { raw })
    .toColourspace(raw.channels === 1 ? "b-w" : "srgb")
    .png({ compressionLevel: 9 })
    .toBuffer();
}
