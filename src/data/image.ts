import sharp, { type Sharp } from "sharp";
import { AssayError, messageOf, readFile } from "#core";

/** An image of 8 bits a channel, `[H, W, C]`. */
export interface Decoded {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly bytes: Uint8Array;
}

interface Size {
  readonly height: number;
  readonly width: number;
}

export interface Wanted {
  /** As in the file when absent. */
  readonly size?: Size;
  /** As in the file when absent. */
  readonly channels?: 1 | 3;
}

/** 8192 x 8192. What claims to be larger is refused from its header. */
const mostPixels = 2 ** 26;

/**
 * Decodes a PNG, JPEG or WebP file, told by its content, to the values that Pillow
 * gives. Transparency, orientation tags and colour profiles are ignored, as common
 * training pipelines do; of 16 bits the upper 8 are kept; colour becomes grey by the
 * ITU-R 601 weights.
 * @param shown how messages name the file
 * @throws DATA_IMAGE when the file is something else, damaged or too large
 */
export async function decodeImage(
  file: string,
  shown: string,
  { size, channels }: Wanted,
): Promise<Decoded> {
  const content = readFile(file);
  // Nothing else reaches the decoder, which knows many more formats.
  if (!isImage(content)) {
    throw new AssayError(
      "DATA_IMAGE",
      `${shown} is not a PNG, JPEG or WebP image`,
      "Move everything but images out of the class folders.",
    );
  }
  try {
    const image = sharp(content, {
      limitInputPixels: mostPixels,
      ignoreIcc: true,
    });
    const { space } = await image.metadata();
    const own = space === "b-w" || space === "grey16" ? 1 : 3;
    const kept = channels ?? own;
    const decoded =
      space === "cmyk"
        ? await fromInks(image)
        : await toBytes(image.removeAlpha().toColourspace("srgb"));
    const colour = size === undefined ? decoded : await stretch(decoded, size);
    return kept === 1 ? toGrey(colour) : colour;
  } catch (error) {
    const [reason] = messageOf(error).split("\n");
    throw new AssayError(
      "DATA_IMAGE",
      `${shown} cannot be decoded: ${reason}`,
      "Replace or remove the file.",
      { cause: error },
    );
  }
}

function isImage(content: Uint8Array): boolean {
  const text = Buffer.from(content.subarray(0, 12)).toString("latin1");
  return (
    text.startsWith("\x89PNG\r\n\x1a\n") ||
    text.startsWith("\xff\xd8\xff") ||
    (text.startsWith("RIFF") && text.endsWith("WEBP"))
  );
}

/**
 * Colours of what is stored as inks: each ink takes its share of what black leaves, in
 * the rounding of Pillow and torchvision. The decoder would go by the profile of a
 * press, with other colours.
 */
async function fromInks(image: Sharp): Promise<Decoded> {
  const { data, info } = await image
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const bytes = new Uint8Array(3 * info.height * info.width);
  for (let i = 0; i < bytes.length; i++) {
    const pixel = Math.floor(i / 3) * info.channels;
    const left = 255 - data[pixel + 3]!;
    const product = data[pixel + (i % 3)]! * left + 128;
    bytes[i] = left - (((product >> 8) + product) >> 8);
  }
  return { height: info.height, width: info.width, channels: 3, bytes };
}

async function toBytes(image: Sharp): Promise<Decoded> {
  const { data, info } = await image
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: 3, bytes: data };
}

/**
 * Resizes decoded pixels: resizing within the decoder would weigh them by
 * their transparency.
 */
function stretch(
  { height, width, channels, bytes }: Decoded,
  size: Size,
): Promise<Decoded> {
  const image = sharp(bytes, { raw: { height, width, channels } });
  return toBytes(image.resize(size.width, size.height, { fit: "fill" }));
}

/**
 * The weights of ITU-R 601 in 16-bit fixed point, rounded: equal channels
 * keep their value.
 */
function toGrey({ height, width, bytes }: Decoded): Decoded {
  const grey = new Uint8Array(height * width);
  for (let i = 0; i < grey.length; i++) {
    const red = bytes[3 * i]!;
    const green = bytes[3 * i + 1]!;
    const blue = bytes[3 * i + 2]!;
    grey[i] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
  }
  return { height, width, channels: 1, bytes: grey };
}
