import { statSync } from "node:fs";
import { AssayError, hashOf, packageVersion, sha256 } from "#core";
import { type FloatTensor, Streamed, sizeOf } from "#onnx";
import { refusal } from "./image.ts";
import { inThread, type Wanted } from "./image-threads.ts";
import {
  HASH,
  hasRoom,
  type Kept,
  keepPixels,
  recallPixels,
} from "./pixel-cache.ts";
import { type ByteRows, inOrder, readRows, rowsInFile } from "./row-stream.ts";

/** An image in a folder. */
export interface ImageFile {
  /** Where it lies, links resolved. */
  readonly file: string;
  /** How messages name it. */
  readonly shown: string;
}

/** Images of one shape, and how they come to it. */
export interface Pictures {
  readonly images: readonly ImageFile[];
  readonly wanted: Wanted;
  /** [C, H, W] */
  readonly shape: readonly number[];
}

/** Pixels [C, H, W] of each image, decoded by threads. */
export function decodedRows({ images, wanted, shape }: Pictures): ByteRows {
  return {
    count: images.length,
    size: sizeOf(shape),
    task: (rows, bytes, floats) =>
      inThread({
        files: rows.map((row) => images[row]!.file),
        wanted,
        shape,
        bytes,
        floats,
      }),
    unread(row, problem) {
      const { shown } = images[row] as ImageFile;
      if (!problem.other) return refusal(shown, problem);
      const { channels, height, width } = problem.other;
      return new AssayError(
        "DATA_SHAPE",
        `${shown} is ${inWords([channels, height, width])}, but ${images[0]!.shown} is ${inWords(shape)}`,
        "Set `size` and `channels` of the data to bring all images to one shape.",
      );
    },
    changed: (row) =>
      new AssayError(
        "DATA_CHANGED",
        `${images[row]?.shown} is another image than when the data was read`,
        "Leave the data as it is while a run goes on, and start it again.",
      ),
  };
}

const inWords = ([channels, height, width]: readonly number[]) =>
  `${height}x${width} ${channels === 1 ? "grey" : "colour"}`;

/** What decoded images depend on: files, as the file system tells them apart. */
export const keyOf = (
  files: readonly string[],
  what: Readonly<Record<string, unknown>>,
): string => {
  const states = files.map((file) => {
    const { size, mtimeNs, ctimeNs, ino } = statSync(file, { bigint: true });
    return [file, size, mtimeNs, ctimeNs, ino].join();
  });
  const version = packageVersion();
  return hashOf({ states: sha256(states.join("\n")), ...what, version });
};

/** Pixels that are made of files, and are kept. */
export interface Made {
  readonly count: number;
  /** Bytes of each. */
  readonly size: number;
  /** Makes all of them, as `inOrder` gives them. */
  all(take: Parameters<typeof inOrder>[1]): Promise<void>;
  /** How some are made again; undefined where that takes as long as all. */
  readonly again?: ByteRows;
  /** [C, H, W] */
  readonly shape: readonly number[];
  /** What they depend on. */
  key(): string;
  /** How messages name a row. */
  shown(row: number): string;
}

/** What is made row by row. */
export const madeOf = (
  rows: ByteRows,
  more: Pick<Made, "shape" | "key" | "shown">,
): Made => ({
  ...more,
  count: rows.count,
  size: rows.size,
  all: (take) => inOrder(rows, take),
  again: rows,
});

/**
 * Pixels [N, C, H, W] that are read as they are asked for: from a file of decoded ones
 * where there is room for one, or made again. Each is made once before, so that what is
 * broken is refused at once, and its hash is kept: an image that is another one later
 * is refused by name.
 *
 * @param most bytes that decoded images may take on the disk
 */
export async function streamPixels(
  made: Made,
  most: number,
): Promise<FloatTensor> {
  const { count, size, shape, again, shown } = made;
  const key = made.key();
  const known = recallPixels(key, count, size);
  // Of an earlier run that kept none there are hashes alone.
  const isEnough = known && (known.file || !hasRoom(count, size, most));
  if (!isEnough && !again && !hasRoom(count, size, most))
    throw noRoom(made, most);
  const kept = isEnough ? known : await keep(made, key, most);
  // Who allows no room for decoded images has them decoded, were there some.
  const file = most === 0 && again ? undefined : kept.file;
  const from = file
    ? rowsInFile(file, 0, { ...asKept(file, shown), count, size })
    : again;
  if (!from) throw noRoom(made, most);
  return new Streamed([count, ...shape], readRows(from, kept.hashes, [0, 1]));
}

const noRoom = ({ count, size, shown }: Made, most: number) =>
  new AssayError(
    "DATA_CACHE",
    `${shown(0)} and the ${count - 1} others take ${count * size} bytes when they are decoded, more than is held in memory, and they are kept nowhere: cache allows ${most} bytes, or the disk has no room`,
    "Raise cache, make room in the user's folder for caches, or write the images as files of a folder, which can be decoded one by one.",
  );

async function keep(made: Made, key: string, most: number): Promise<Kept> {
  const keeping = keepPixels(key, made.count, made.size, most);
  const all = new Uint8Array(made.count * HASH);
  try {
    await made.all((bytes, from, hashes) => {
      keeping.add(bytes);
      all.set(hashes, from * HASH);
    });
  } catch (error) {
    keeping.drop();
    throw error;
  }
  return keeping.end(all);
}

/** What is wrong with a file of decoded images. */
function asKept(
  file: string,
  shown: (row: number) => string,
): Pick<ByteRows, "unread" | "changed"> {
  const refused = (why: string) =>
    new AssayError(
      "DATA_CHANGED",
      `${file} ${why}`,
      "Remove the file; the images are decoded again.",
    );
  return {
    unread: (_, { why }) => refused(`cannot be read: ${why}`),
    changed: (row) => refused(`does not hold ${shown(row)} as it was decoded`),
  };
}
