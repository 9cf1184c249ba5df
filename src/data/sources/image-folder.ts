import { basename, resolve } from "node:path";
import { z } from "zod";
import { AssayError } from "#core";
import { tensor } from "#onnx";
import { concurrently } from "../concurrently.ts";
import type { Decoded } from "../image.ts";
import { writePlanes } from "../planes.ts";
import { defineSource, type Locate } from "../source.ts";
import { validateLabels } from "../validate.ts";
import { walkFolders } from "../walk.ts";

const side = z.int().positive().max(4096);

/** Decoding at once. Each holds one image in memory. */
const lanes = 4;

/** The most values of one dataset: 4 GiB as float32. */
const largest = 2 ** 30;

/**
 * One sub-folder of PNG, JPEG or WebP files per class; classes and files are
 * in the code-unit order of their names. With `size` every image is stretched
 * to it without regard to its aspect ratio (sharp, fit "fill", Lanczos 3);
 * without, all images must have the same size. Without `channels` all must be
 * grey or all in colour, and stay so.
 */
export const imageFolder = defineSource({
  schema: z
    .strictObject({
      source: z.literal("image-folder"),
      path: z
        .string()
        .min(1)
        .describe("Path of a folder with one sub-folder of images per class."),
      size: z
        .union([side, z.tuple([side, side])])
        .optional()
        .describe(
          "Stretch every image to this height and width, or to this side.",
        ),
      channels: z
        .union([z.literal(1), z.literal(3)])
        .optional()
        .describe("1 for grey, 3 for colour; as in the files by default."),
    })
    .describe("PNG, JPEG or WebP files in one folder per class."),

  async read(spec, folder) {
    const root = resolve(folder, spec.path);
    const { classes, images } = walkFolders(root);
    const y = Int32Array.from(images, (image) => image.label);
    const locate: Locate = (_part, sample) =>
      (sample === undefined ? undefined : images[sample]?.shown) ?? root;
    // Before the decoding, which may take minutes.
    validateLabels(y, classes, locate);

    // The decoder is slow to load, and most runs need none.
    const { decodeImage } = await import("../image.ts");
    const [height, width = height] = [spec.size ?? []].flat();
    const decode = (index: number) => {
      const { file, shown } = images[index]!;
      const size =
        height === undefined || width === undefined
          ? undefined
          : { height, width };
      return decodeImage(file, shown, { size, channels: spec.channels });
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
    const x = new Float32Array(images.length * length);
    await concurrently(images, lanes, async ({ shown }, index) => {
      const image = index === 0 ? first : await decode(index);
      if (describe(image) !== describe(first)) {
        throw new AssayError(
          "DATA_SHAPE",
          `${shown} is ${describe(image)}, but ${locate("pixels", 0)} is ${describe(first)}`,
          "Set `size` and `channels` of the data to bring all images to one shape.",
        );
      }
      writePlanes(x, index * length, image.bytes, image.channels);
    });
    return {
      name: basename(root),
      x: tensor("float32", dims, x),
      y,
      classes,
      parts: images.some(({ part }) => part)
        ? images.map(({ part = null }) => part)
        : undefined,
      locate,
    };
  },
});

function describe({ height, width, channels }: Decoded): string {
  return `${height}x${width} ${channels === 1 ? "grey" : "colour"}`;
}
