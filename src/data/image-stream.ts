import { statSync } from "node:fs";
import { AssayError, hashOf, packageVersion, sha256 } from "#core";
import { type FloatTensor, type RowSource, Streamed, sizeOf } from "#onnx";
import { scaleBytes, UNIT } from "./bytes.ts";
import { refusal } from "./image.ts";
import {
  inThread,
  THREADS,
  type Wanted,
  type Working,
} from "./image-threads.ts";
import { HASH, type Kept, keepPixels, recallPixels } from "./pixel-cache.ts";

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

/** What was waited for rows, and how many were read: for whoever measures. */
export const reading = { milliseconds: 0, rows: 0 };

/** The most bytes of rows that are read at once. */
const AT_ONCE = 2 ** 26;

/**
 * Decodes images some at a time, in threads.
 *
 * @param take gets the bytes [rows, C, H, W] of images from a place on, which are
 *   overwritten later, and 32 bytes of hash each
 * @throws DATA_IMAGE, DATA_SHAPE naming the first image that is wrong
 */
export async function decodeImages(
  pictures: Pictures,
  take: (bytes: Uint8Array, from: number, hashes: Uint8Array) => void,
): Promise<void> {
  const { images, shape } = pictures;
  const size = sizeOf(shape);
  const each = Math.max(1, Math.min(64, Math.floor(AT_ONCE / THREADS / size)));
  const buffers = Array.from({ length: 2 * THREADS }, () =>
    shared(each * size),
  );
  let ahead: { from: number; bytes: Uint8Array; task: Working }[] = [];
  let next = 0;
  for (;;) {
    while (ahead.length < buffers.length && next < images.length) {
      const some = images.slice(next, next + each);
      const bytes = buffers[Math.floor(next / each) % buffers.length]!;
      ahead.push({ from: next, bytes, task: decoding(pictures, some, bytes) });
      next += each;
    }
    const [first, ...others] = ahead;
    if (!first) return;
    const { hashes, problem } = await first.task.done();
    if (problem) throw objection(pictures, first.from + problem.i, problem);
    const count = hashes.length / HASH;
    take(first.bytes.subarray(0, count * size), first.from, hashes);
    ahead = others;
  }
}

const shared = (size: number) => new Uint8Array(new SharedArrayBuffer(size));

const decoding = (
  { wanted, shape }: Pictures,
  some: readonly ImageFile[],
  bytes: Uint8Array,
) => inThread({ files: some.map(({ file }) => file), wanted, shape, bytes });

function objection(
  { images, shape }: Pictures,
  at: number,
  problem: NonNullable<Awaited<ReturnType<Working["done"]>>["problem"]>,
): AssayError {
  const { shown } = images[at] as ImageFile;
  if (!problem.other) return refusal(shown, problem);
  const { channels, height, width } = problem.other;
  return new AssayError(
    "DATA_SHAPE",
    `${shown} is ${inWords([channels, height, width])}, but ${images[0]!.shown} is ${inWords(shape)}`,
    "Set `size` and `channels` of the data to bring all images to one shape.",
  );
}

const inWords = ([channels, height, width]: readonly number[]) =>
  `${height}x${width} ${channels === 1 ? "grey" : "colour"}`;

/**
 * Images as pixels [N, C, H, W] that are read as they are asked for: from a file of
 * decoded images where there is room for one, or from the images again. Each is decoded
 * once before, so that what is broken is refused at once, and its hash is kept: an
 * image that is another one later is refused by name.
 *
 * @param most bytes that decoded images may take on the disk
 */
export async function streamImages(
  pictures: Pictures,
  most: number,
): Promise<FloatTensor> {
  const { images, shape } = pictures;
  const size = sizeOf(shape);
  const key = keyOf(pictures);
  const kept =
    recallPixels(key, images.length, size) ?? (await keep(pictures, key, most));
  return new Streamed([images.length, ...shape], rowsOf(pictures, kept, size));
}

/** What decoded images depend on: files, as the file system tells them apart. */
function keyOf({ images, wanted, shape }: Pictures): string {
  const states = images.map(({ file }) => {
    const { size, mtimeNs, ctimeNs, ino } = statSync(file, { bigint: true });
    return [file, size, mtimeNs, ctimeNs, ino].join();
  });
  const version = packageVersion();
  return hashOf({ states: sha256(states.join("\n")), wanted, shape, version });
}

async function keep(
  pictures: Pictures,
  key: string,
  most: number,
): Promise<Kept> {
  const count = pictures.images.length;
  const keeping = keepPixels(key, count, sizeOf(pictures.shape), most);
  const all = new Uint8Array(count * HASH);
  try {
    await decodeImages(pictures, (bytes, from, hashes) => {
      keeping.add(bytes);
      all.set(hashes, from * HASH);
    });
  } catch (error) {
    keeping.drop();
    throw error;
  }
  return keeping.end(all);
}

/** Rows that are being read. */
interface Reading {
  readonly rows: readonly number[];
  readonly bytes: Uint8Array;
  /** From which of the rows on each task reads. */
  readonly tasks: readonly { readonly from: number; readonly task: Working }[];
}

/** How rows are read: what was said to come next is read meanwhile. */
function rowsOf(pictures: Pictures, kept: Kept, size: number): RowSource {
  const most = Math.max(1, Math.floor(AT_ONCE / size));
  let ahead: Reading[] = [];
  let free: Uint8Array[] = [];
  const begin = (rows: readonly number[]): Reading => {
    const at = free.findIndex((buffer) => buffer.length >= rows.length * size);
    const bytes = free[at] ?? shared(rows.length * size);
    free = free.filter((buffer) => buffer !== bytes);
    return { rows, bytes, tasks: tasksFor(pictures, kept, size, rows, bytes) };
  };
  const isOf = ({ rows }: Reading, others: readonly number[]) =>
    rows.length === others.length && rows.every((row, i) => row === others[i]);
  const readSome = (rows: readonly number[], to: Float32Array, at: number) => {
    const known = ahead.find((one) => isOf(one, rows));
    const one = known ?? begin(rows);
    ahead = ahead.filter((other) => other !== one);
    for (const { from, task } of one.tasks) {
      const { hashes, problem } = task.wait();
      if (problem)
        throw unread(pictures, kept, rows[from + problem.i]!, problem);
      requireSame(pictures, kept, rows.slice(from), hashes);
    }
    scaleBytes(one.bytes.subarray(0, rows.length * size), UNIT, to, at);
    free = [one.bytes, ...free].slice(0, 2);
  };
  return {
    range: [0, 1],
    hashOf: (row) => kept.hashes.subarray(row * HASH, (row + 1) * HASH),
    read(rows, to) {
      const start = performance.now();
      for (let from = 0; from < rows.length; from += most)
        readSome(Array.from(rows).slice(from, from + most), to, from * size);
      reading.milliseconds += performance.now() - start;
      reading.rows += rows.length;
    },
    ahead(rows) {
      const some = Array.from(rows).slice(0, most);
      if (some.length === 0 || ahead.some((one) => isOf(one, some))) return;
      // What nobody came for is let go; its threads may still write into its bytes.
      ahead = [begin(some), ...ahead].slice(0, 2);
    },
  };
}

function tasksFor(
  pictures: Pictures,
  { file }: Kept,
  size: number,
  rows: readonly number[],
  bytes: Uint8Array,
): Reading["tasks"] {
  const each = Math.ceil(rows.length / THREADS);
  return Array.from({ length: Math.ceil(rows.length / each) }, (_, k) => {
    const from = k * each;
    const some = rows.slice(from, from + each);
    const part = bytes.subarray(from * size, (from + some.length) * size);
    const images = some.map((row) => pictures.images[row] as ImageFile);
    return {
      from,
      task: file
        ? inThread({ file, rows: some, size, bytes: part })
        : decoding(pictures, images, part),
    };
  });
}

/** Refuses rows that are not what they were when all were looked at. */
function requireSame(
  pictures: Pictures,
  kept: Kept,
  rows: readonly number[],
  hashes: Uint8Array,
): void {
  for (let i = 0; i < hashes.length / HASH; i++) {
    const before = kept.hashes.subarray(rows[i]! * HASH, (rows[i]! + 1) * HASH);
    const now = hashes.subarray(i * HASH, (i + 1) * HASH);
    if (Buffer.compare(before, now) !== 0)
      throw changed(pictures, kept, rows[i]!);
  }
}

const changed = ({ images }: Pictures, { file }: Kept, row: number) =>
  file
    ? new AssayError(
        "DATA_CHANGED",
        `${file} does not hold ${images[row]?.shown} as it was decoded`,
        "Remove the file; the images are decoded again.",
      )
    : new AssayError(
        "DATA_CHANGED",
        `${images[row]?.shown} is another image than when the data was read`,
        "Leave the data as it is while a run goes on, and start it again.",
      );

function unread(
  pictures: Pictures,
  { file }: Kept,
  row: number,
  problem: NonNullable<Awaited<ReturnType<Working["done"]>>["problem"]>,
): AssayError {
  if (!file) return objection(pictures, row, problem);
  return new AssayError(
    "DATA_CHANGED",
    `${file} cannot be read: ${problem.why}`,
    "Remove the file; the images are decoded again.",
  );
}
