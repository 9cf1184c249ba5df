import { basename, resolve } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { z } from "zod";
import { AssayError, fileSize, readBytes, readFile } from "#core";
import { type FloatTensor, sizeOf, tensor } from "#onnx";
import { inputsOf } from "../array-inputs.ts";
import { cacheKey } from "../image-files.ts";
import type { NumpyFile } from "../npy.ts";
import { eitherSizeOrPipeline, pipelineKey } from "../pipelines.ts";
import { imageSize, resized } from "../resize.ts";
import { defineSource, type Locate } from "../source.ts";

/** The element types of the format; Assay reads the first. */
const elementTypes: Readonly<Record<number, string>> = {
  8: "unsigned byte",
  9: "signed byte",
  11: "16-bit integer",
  12: "32-bit integer",
  13: "32-bit float",
  14: "64-bit float",
};
const unsignedByte = 8;

/** Bytes of a file that have its header, packed or plain. */
const HEAD = 4096;

/** The most that is read into memory from one file, in bytes. */
const largest = 2 ** 31 - 1;

/**
 * The format of MNIST and its relatives, gzip or plain: images as unsigned
 * bytes `[N, H, W]` or `[N, H, W, 3]`, labels `[N]`, or `[N, outputs]` where a
 * sample has several. Classes are named after their numbers unless names are given.
 */
export const idx = defineSource({
  schema: z
    .strictObject({
      source: z.literal("idx"),
      images: z.string().min(1).describe("Path of the idx file of images."),
      labels: z.string().min(1).describe("Path of the idx file of labels."),
      size: imageSize,
      pipeline: pipelineKey,
      cache: cacheKey,
      classes: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          "Class names, in the order of their labels from 0, or of the columns of labels.",
        ),
    })
    .refine(...eitherSizeOrPipeline)
    .describe("Images and labels as idx files, gzip or plain."),

  async read(spec, folder) {
    const files = {
      pixels: resolve(folder, spec.images),
      labels: resolve(folder, spec.labels),
    };
    const { y, targets, count } = readLabels(files.labels);
    const locate: Locate = (part, sample) =>
      sample === undefined ? files[part] : `${files[part]}, sample ${sample}`;
    const { pipeline, cache } = spec;
    const x = await inputsOf(
      imagesOf(files.pixels),
      { layout: "NHWC", pipeline, cache },
      locate,
    );
    return {
      name: basename(spec.images).replace(/\.gz$/i, ""),
      x: await resized(x, spec.size),
      y,
      targets,
      classes: spec.classes ?? Array.from({ length: count }, (_, i) => `${i}`),
      locate,
    };
  },
});

/** A label a sample, or a row of targets, and how many names they need. */
function readLabels(path: string): {
  y: Int32Array;
  targets?: FloatTensor;
  count: number;
} {
  const { dims, read } = openIdx(path);
  const bytes = read();
  const [n = 0, width = 0] = dims;
  if (dims.length === 2) {
    const targets = tensor("float32", dims, Float32Array.from(bytes));
    return { y: new Int32Array(n), targets, count: width };
  }
  if (dims.length !== 1) {
    throw new AssayError(
      "DATA_SHAPE",
      `${path} has shape [${dims.join(", ")}], expected labels of shape [N] or [N, outputs]`,
      "Check that images and labels are not exchanged.",
    );
  }
  const count = bytes.reduce((most, label) => Math.max(most, label + 1), 0);
  return { y: Int32Array.from(bytes), count };
}

/** Images as an array of bytes, with channels last. */
function imagesOf(path: string): NumpyFile {
  const { dims, place, read } = openIdx(path);
  const [, height = 0, width = 0, channels = 1] = dims;
  if (
    (dims.length !== 3 && dims.length !== 4) ||
    (channels !== 1 && channels !== 3) ||
    height === 0 ||
    width === 0
  ) {
    throw new AssayError(
      "DATA_SHAPE",
      `${path} has shape [${dims.join(", ")}], expected images of shape [N, H, W] or [N, H, W, 3]`,
      "Check that images and labels are not exchanged.",
    );
  }
  return {
    dims,
    type: "|u1",
    width: 1,
    place,
    numbers: (bytes) => bytes,
    read: () => ({ dims, type: "|u1", data: read() }),
  };
}

interface Idx {
  readonly dims: readonly number[];
  /** Where its bytes stand, unless they are packed. */
  readonly place?: NumpyFile["place"];
  readonly read: () => Uint8Array;
}

/**
 * Opens an idx file. Its header is checked against its length before
 * anything is unpacked.
 */
function openIdx(path: string): Idx {
  const head = readBytes(path, 0, HEAD);
  const zipped = head[0] === 0x1f && head[1] === 0x8b;
  const { dims, start } = readHeader(
    zipped ? firstBytes(head, path) : head,
    path,
  );
  const end = start + sizeOf(dims);
  if (zipped) {
    if (end > largest) {
      throw new AssayError(
        "DATA_TOO_LARGE",
        `${path} declares ${end} bytes (shape [${dims.join(", ")}]), expected at most ${largest}`,
        "Check that the file is what it should be, unpack it, or split it.",
      );
    }
    const all = unzip(readFile(path), path, end);
    requireLength(all.length, end, dims, path);
    return { dims, read: () => all.subarray(start) };
  }
  requireLength(fileSize(path), end, dims, path);
  return {
    dims,
    place: { file: path, from: start },
    read: () => readBytes(path, start, end - start),
  };
}

function requireLength(
  length: number,
  end: number,
  dims: readonly number[],
  path: string,
): void {
  if (length < end)
    throw truncated(
      path,
      length,
      `the ${end} bytes of its shape [${dims.join(", ")}]`,
    );
  if (length > end) throw tooLong(path, end);
}

function readHeader(
  bytes: Uint8Array,
  path: string,
): { dims: number[]; start: number } {
  if (bytes.length < 4) {
    throw truncated(path, bytes.length, "the 4 bytes that begin an idx file");
  }
  const [zero, alsoZero, type = 0, rank = 0] = bytes;
  const typeName = elementTypes[type];
  if (zero !== 0 || alsoZero !== 0 || typeName === undefined || rank === 0) {
    const magic = Buffer.from(bytes.subarray(0, 4)).toString("hex");
    throw new AssayError(
      "DATA_FORMAT",
      `${path} begins with 0x${magic}, which is not an idx file`,
      "Give an idx file (such as train-images-idx3-ubyte), gzip or plain.",
    );
  }
  if (type !== unsignedByte) {
    throw new AssayError(
      "DATA_FORMAT",
      `${path} holds ${typeName} elements, expected ${elementTypes[unsignedByte]}`,
      "Write the file again with unsigned bytes.",
    );
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw truncated(path, bytes.length, `the ${start} bytes of its header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const dims = Array.from({ length: rank }, (_, i) =>
    view.getUint32(4 + 4 * i),
  );
  return { dims, start };
}

/** The header, whatever the file would unpack to. */
function firstBytes(zipped: Uint8Array, path: string): Uint8Array {
  return gunzip(zipped, path, {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

function unzip(zipped: Uint8Array, path: string, length: number): Uint8Array {
  return gunzip(zipped, path, { maxOutputLength: length });
}

function gunzip(
  zipped: Uint8Array,
  path: string,
  options: { finishFlush?: number; maxOutputLength?: number },
): Uint8Array {
  try {
    return gunzipSync(zipped, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLong(path, options.maxOutputLength ?? 0);
    }
    throw new AssayError(
      code === "Z_BUF_ERROR" ? "DATA_TRUNCATED" : "DATA_CORRUPT",
      `${path} cannot be unpacked: ${message}`,
      "Download or copy the file again.",
    );
  }
}

function truncated(path: string, length: number, needed: string): AssayError {
  return new AssayError(
    "DATA_TRUNCATED",
    `${path} ends after ${length} bytes, before ${needed}`,
    "Download or copy the file again.",
  );
}

function tooLong(path: string, length: number): AssayError {
  return new AssayError(
    "DATA_TOO_LONG",
    `${path} holds more than the ${length} bytes that its header declares`,
    "Download or copy the file again; its header and its content disagree.",
  );
}
