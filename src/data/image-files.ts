import { z } from "zod";
import type { FloatTensor } from "#onnx";
import { bytesAs } from "./bytes.ts";
import { decodeImage } from "./image.ts";
import {
  decodedRows,
  type ImageFile,
  keyOf,
  type Made,
  madeOf,
  streamPixels,
} from "./image-stream.ts";
import type { Pipeline } from "./image-threads.ts";

const side = z.int().positive().max(4096);

/** Up to so many bytes images are held in memory, 256 MiB. Tests of more have less. */
export const memory = { bytes: 2 ** 28 };

/** What decoded images may take on the disk, in GiB, unless it is stated. */
export const CACHE = 16;

/** What decoded images may take, as a suite says it. */
export const cacheKey = z
  .number()
  .nonnegative()
  .optional()
  .describe(
    `GiB that decoded images may take in the user's folder for caches, where they are too many for the memory (${CACHE} when left out); 0 to decode them anew each time.`,
  );

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
  cache: cacheKey,
};

const imageSpec = z.object(imageKeys);

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
 * Image files as pixels [N, C, H, W] in [0, 1]: held in memory, or where they are many,
 * streamed.
 *
 * @throws DATA_SHAPE when they differ in size or colour, DATA_IMAGE
 */
export async function readImages(
  images: readonly ImageFile[],
  spec: z.output<typeof imageSpec>,
  pipeline?: Pipeline,
): Promise<FloatTensor> {
  const [one] = images as [ImageFile];
  const wanted = { size: sizeStated(spec), channels: spec.channels, pipeline };
  const first = await decodeImage(one.file, one.shown, wanted);
  const shape = [first.channels, first.height, first.width];
  const files = images.map(({ file }) => file);
  return pixelsOf(
    madeOf(decodedRows({ images, wanted, shape }), {
      shape,
      key: () => keyOf(files, { wanted, shape }),
      shown: (row) => images[row]!.shown,
    }),
    spec.cache,
  );
}

/** Pixels [N, C, H, W] in [0, 1]: held in memory as bytes, or where many, streamed. */
export async function pixelsOf(
  made: Made,
  cache = CACHE,
): Promise<FloatTensor> {
  const { count, size } = made;
  if (count * size > memory.bytes) return streamPixels(made, cache * 2 ** 30);
  const bytes = new Uint8Array(count * size);
  await made.all((some, from) => bytes.set(some, from * size));
  return bytesAs([count, ...made.shape], bytes);
}
