import { z } from "zod";
import { AssayError } from "#core";
import type { FloatTensor } from "#onnx";
import { bytesAs, putPlanes } from "./bytes.ts";
import { concurrently } from "./concurrently.ts";
import type { Decoded } from "./image.ts";

const side = z.int().positive().max(4096);

/** Decoding at once. Each holds one image in memory. */
const lanes = 4;

/** The most values of one dataset: 4 GiB as float32. */
const largest = 2 ** 30;

/** What a suite says of image files. */
export const imageKeys = {
  size: z
    .union([side, z.tuple([side, side])])
    .optional()
    .describe("Stretch every image to this height and width, or to this side."),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe("1 for grey, 3 for colour; as in the files by default."),
};

const imageSpec = z.object(imageKeys);

/** An image in a folder. */
export interface ImageFile {
  /** Where it lies, links resolved. */
  readonly file: string;
  /** How messages name it. */
  readonly shown: string;
}

/** The height and width that images are stretched to; undefined for their own. */
export function sizeStated({
  size,
}: Pick<z.output<typeof imageSpec>, "size">):
  | { readonly height: number; readonly width: number }
  | undefined {
  const [height, width = height] = [size ?? []].flat();
  return height === undefined || width === undefined
    ? undefined
    : { height, width };
}

/**
 * Image files as pixels [N, C, H, W] in [0, 1].
 *
 * @param root how messages name all of them
 * @throws DATA_SHAPE when they differ in size or colour, DATA_TOO_LARGE, DATA_IMAGE
 */
export async function readImages(
  images: readonly ImageFile[],
  spec: z.output<typeof imageSpec>,
  root: string,
): Promise<FloatTensor> {
  // The decoder is slow to load, and most runs need none.
  const { decodeImage } = await import("./image.ts");
  const wanted = { size: sizeStated(spec), channels: spec.channels };
  const decode = (index: number) => {
    const { file, shown } = images[index]!;
    return decodeImage(file, shown, wanted);
  };
  const first = await decode(0);
  const dims = [images.length, first.channels, first.height, first.width];
  const length = first.bytes.length;
  if (images.length * length > largest) {
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${root} has ${images.length} images, together of shape [${dims.join(", ")}], expected at most ${largest} values`,
      "Give a smaller `size`, or fewer images.",
    );
  }
  const x = new Uint8Array(images.length * length);
  await concurrently(images, lanes, async ({ shown }, index) => {
    const image = index === 0 ? first : await decode(index);
    if (describe(image) !== describe(first)) {
      throw new AssayError(
        "DATA_SHAPE",
        `${shown} is ${describe(image)}, but ${images[0]!.shown} is ${describe(first)}`,
        "Set `size` and `channels` of the data to bring all images to one shape.",
      );
    }
    putPlanes(x, index * length, image.bytes, image.channels);
  });
  return bytesAs(dims, x);
}

function describe({ height, width, channels }: Decoded): string {
  return `${height}x${width} ${channels === 1 ? "grey" : "colour"}`;
}
