import { basename, resolve } from "node:path";
import { z } from "zod";
import { AssayError, UsageError } from "#core";
import { concurrently } from "../concurrently.ts";
import { readCsv } from "../csv.ts";
import { imageKeys, readImages, sizeStated } from "../image-files.ts";
import type { ImageFile } from "../image-stream.ts";
import { type Mask, readColours, readMask } from "../mask.ts";
import { partNamed } from "../parts.ts";
import { answersAt } from "../positions.ts";
import { cellsAt, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource, type Locate } from "../source.ts";
import { walkFiles } from "../walk.ts";

/**
 * Images with the class of each pixel: a folder of images and one of masks of the same
 * names, or a table that names both. Masks are PNG files whose grey values, or
 * places in a palette, are the numbers of classes, or images whose colours are stated.
 * With `size` images are stretched
 * as in `image-folder`, and masks by their nearest pixel.
 */
export const imageMasks = defineSource({
  schema: z
    .strictObject({
      source: z.literal("image-masks"),
      images: z.string().min(1).optional().describe("A folder of images."),
      masks: z
        .string()
        .min(1)
        .optional()
        .describe("A folder of masks of the same names, as PNG files."),
      table: z
        .string()
        .min(1)
        .optional()
        .describe(
          "Instead of both, a .csv file whose columns `image` and `mask` name files, from its folder, and whose column `split` may say which part each is in.",
        ),
      classes: z
        .array(z.string().min(1))
        .min(2)
        .optional()
        .describe("Names of the classes, by their numbers in masks."),
      colours: z
        .array(
          z.tuple([
            z.string().min(1).nullable(),
            z.string().regex(/^#[0-9a-f]{6}$/i, {
              error: 'expected a colour such as "#804080"',
            }),
          ]),
        )
        .min(2)
        .optional()
        .describe(
          "Of masks in colours: pairs of a class and its colour, classes in the order of the model's outputs; null for a colour that does not count.",
        ),
      ignore: z
        .int()
        .default(255)
        .describe("What masks have at pixels that do not count."),
      ...imageKeys,
    })
    .refine((s) => (s.table ? !s.images && !s.masks : s.images && s.masks), {
      message: "state images and masks, or a table of both",
    })
    .refine((s) => !(s.colours && s.classes), {
      message: "colours name the classes already: leave classes out",
    })
    .describe("Images with the class of each pixel in a mask."),

  async read(spec, folder) {
    const { table, images = "", masks = "" } = spec;
    const pairs = table
      ? pairsInTable(resolve(folder, table))
      : pairsInFolders(resolve(folder, images), resolve(folder, masks));
    const root = resolve(folder, table ?? images);
    const locate: Locate = (part, sample) =>
      (sample === undefined
        ? undefined
        : pairs[sample]?.[part === "labels" ? "mask" : "image"].shown) ?? root;
    if (pairs.length === 0)
      throw new AssayError(
        "DATA_EMPTY",
        `${root} has no images`,
        "Give images, each with a mask of its name.",
      );
    const { read, classes, ignore } = await masksOf(pairs, spec);
    const x = await readImages(
      pairs.map(({ image }) => image),
      spec,
    );
    const [n = 0, , height = 0, width = 0] = x.dims;
    const to = sizeStated(spec);
    const labels = new Uint16Array(n * height * width);
    for (const [i, mask] of read.entries()) {
      if (!to && (mask.height !== height || mask.width !== width))
        throw new AssayError(
          "DATA_SHAPE",
          `${locate("labels", i)} is ${mask.height}x${mask.width}, its image is ${height}x${width}`,
          "Give masks of the size of their images, or set `size`.",
        );
      labels.set(nearest(mask, height, width), i * height * width);
    }
    return {
      name: basename(root),
      x,
      ...answersAt(labels, n, [height, width], { classes, ignore }, (i) =>
        locate("labels", i),
      ),
      parts: pairs.some(({ part }) => part)
        ? pairs.map(({ part = null }) => part)
        : undefined,
      locate,
    };
  },
});

/** What stands for no class among the numbers of colours. */
const NONE = 2 ** 16 - 1;

/** What a suite says of masks. */
interface Stated {
  readonly colours?: readonly (readonly [string | null, string])[] | undefined;
  readonly classes?: string[] | undefined;
  readonly ignore: number;
}

interface Pair {
  readonly image: ImageFile;
  readonly mask: ImageFile;
  readonly part?: ReturnType<typeof partNamed>;
}

/** Masks at once. */
const LANES = 4;

/** The numbers of all masks, as they are stored or by their colours. */
async function masksOf(
  pairs: readonly Pair[],
  { colours, classes, ignore }: Stated,
) {
  if (!colours) {
    const read = pairs.map(({ mask }) => readMask(mask.file, mask.shown));
    return { read, classes, ignore };
  }
  const names = [...new Set(colours.flatMap(([name]) => name ?? []))];
  const numbers = new Map<number, number>();
  for (const [name, colour] of colours) {
    const value = Number.parseInt(colour.slice(1), 16);
    if (numbers.has(value))
      throw new UsageError(
        "DATA_CLASSES",
        `colours name ${colour} twice`,
        "Give each colour one class.",
      );
    numbers.set(value, name === null ? NONE : names.indexOf(name));
  }
  const read: Mask[] = [];
  await concurrently(pairs, LANES, async ({ mask }, i) => {
    read[i] = await readColours(mask.file, mask.shown, numbers);
  });
  return { read, classes: names, ignore: NONE };
}

const stem = (name: string) => name.replace(/\.[^./\\]*$/, "");

/** Images and masks by their names without endings. */
function pairsInFolders(images: string, masks: string): Pair[] {
  const all = walkFiles(images);
  const parts = all.map(({ way }) => partNamed(way[0] ?? ""));
  const isSplit = parts.every((part) => part !== undefined);
  const found = new Map<string, ImageFile[]>();
  for (const mask of walkFiles(masks)) {
    const name = stem(mask.way.join("/"));
    found.set(name, [...(found.get(name) ?? []), mask]);
  }
  return all.map((image, i) => {
    const name = stem(image.way.join("/"));
    const [mask, other] = found.get(name) ?? [];
    if (mask && !other)
      return { image, mask, part: isSplit ? parts[i] : undefined };
    throw new UsageError(
      "DATA_FOLDER",
      other
        ? `${image.shown} has two masks: ${mask?.shown} and ${other.shown}`
        : `${image.shown} has no mask called ${name} in ${masks}`,
      "Give each image one mask, at the same place and of the same name.",
    );
  });
}

function pairsInTable(file: string): Pair[] {
  const sheet = readCsv(file, { delimiter: ",", header: true, skip: 0 });
  const [images, masks] = ["image", "mask"].map((name) =>
    filesIn(sheet, name),
  ) as [ImageFile[], ImageFile[]];
  const parts = sheet.columns.includes("split")
    ? partsOf(sheet, "split")
    : undefined;
  return images.map((image, i) => ({
    image,
    mask: masks[i]!,
    part: parts?.[i],
  }));
}

function filesIn(sheet: Sheet, column: string): ImageFile[] {
  const at = placeOf(sheet, column);
  return cellsAt(sheet, at).map((cell, i) => {
    const name = String(cell ?? "").trim();
    if (name !== "")
      return { file: resolve(sheet.file, "..", name), shown: name };
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(i)}, column "${column}" names no file`,
      "Correct the value, or remove the row.",
    );
  });
}

/** A mask at another size, each pixel as the nearest of the mask. */
function nearest(mask: Mask, height: number, width: number): Uint16Array {
  if (mask.height === height && mask.width === width) return mask.labels;
  const from = (i: number, of: number, to: number) =>
    Math.floor(((i + 0.5) * of) / to);
  return Uint16Array.from({ length: height * width }, (_, p) => {
    const y = from(Math.floor(p / width), mask.height, height);
    return mask.labels[y * mask.width + from(p % width, mask.width, width)]!;
  });
}
