import { z } from "zod";
import { AssayError, UsageError } from "#core";
import { type FloatTensor, Streamed, sizeOf, tensor } from "#onnx";
import { bytesAs } from "./bytes.ts";
import { cacheKey, memory, pixelsOf } from "./image-files.ts";
import { keyOf, madeOf } from "./image-stream.ts";
import { inThread } from "./image-threads.ts";
import type { NumpyArray, NumpyFile } from "./npy.ts";
import { pipelineKey, pipelines } from "./pipelines.ts";
import { HASH } from "./pixel-cache.ts";
import { type ByteRows, inOrder, readRows, rowsInFile } from "./row-stream.ts";
import type { Locate } from "./source.ts";

/** What a suite says of the inputs among arrays. */
export const inputKeys = {
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { message: "lowest first" })
    .optional()
    .describe(
      "What becomes 0 and 1; 0 and 255 for bytes, 0 and 1 otherwise when left out.",
    ),
  layout: z
    .enum(["NCHW", "NHWC"])
    .optional()
    .describe("Told by the shape when left out, as for models."),
  pipeline: pipelineKey,
  cache: cacheKey,
};

const inputSpec = z.object(inputKeys);
type Spec = z.output<typeof inputSpec>;

/** How an array says its samples. */
interface Form {
  /** Of a sample as a model takes it: images [C, H, W]. */
  readonly shape: readonly number[];
  /** Whether channels come last in the file. */
  readonly isLast: boolean;
  /** What a number stands for. */
  readonly scale: (v: number) => number;
}

/**
 * The inputs of an array [N, ...shape], in [0, 1]: held in memory, or where they are
 * many, read from the file as they are asked for.
 *
 * @param isSeries three axes are a series of several numbers, and no grey images
 * @throws DATA_SHAPE, DATA_PIPELINE
 */
export async function inputsOf(
  array: NumpyFile,
  spec: Spec,
  locate: Locate,
  isSeries = false,
): Promise<FloatTensor> {
  const { dims, width, place } = array;
  if (dims.length < 2 || sizeOf(dims.slice(1)) === 0)
    throw new AssayError(
      "DATA_SHAPE",
      `${locate("pixels")} has shape [${dims.join(", ")}], expected one entry a sample and its numbers: [N, width], [N, H, W] or [N, C, H, W]`,
      "Check that x and y are not exchanged.",
    );
  const form = formOf(array, spec, isSeries);
  if (spec.pipeline) return throughPipeline(array, form, spec, locate);
  if (place && width * sizeOf(dims) > memory.bytes)
    return inFile(array, place, form, locate);
  return inMemory(array.read(), form);
}

function formOf(
  { dims, type }: NumpyFile,
  { range, layout }: Spec,
  isSeries: boolean,
): Form {
  const [low, high] = range ?? (type.endsWith("u1") ? [0, 255] : [0, 1]);
  const scale = (v: number) => (v - low) / (high - low);
  const [, a = 1, b = 1, c = 1] = dims;
  const isChannels = (d: number) => d === 1 || d === 3;
  const isLast =
    dims.length === 4 &&
    (layout === "NHWC" || (!layout && isChannels(c) && !isChannels(a)));
  if (isLast) return { shape: [c, a, b], isLast, scale };
  const isGrey = dims.length === 3 && !isSeries;
  return { shape: isGrey ? [1, a, b] : dims.slice(1), isLast, scale };
}

function inMemory(
  { dims, data }: NumpyArray,
  { shape, isLast, scale }: Form,
): FloatTensor {
  const all = [dims[0] ?? 0, ...shape];
  if (data instanceof Uint8Array) {
    const bytes = isLast ? new Uint8Array(data.length) : data;
    if (isLast) planesOf(data, bytes, shape, (v) => v);
    return bytesAs(all, bytes, scaled(scale));
  }
  const x = new Float32Array(data.length);
  putScaled(data, x, { shape, isLast, scale });
  return tensor("float32", all, x);
}

/** What each of the 256 bytes stands for. */
const scaled = (scale: Form["scale"]) =>
  Float32Array.from({ length: 256 }, (_, byte) => scale(byte));

function putScaled(
  from: NumpyArray["data"],
  to: Float32Array,
  { shape, isLast, scale }: Form,
): void {
  if (isLast) planesOf(from, to, shape, scale);
  else for (let i = 0; i < from.length; i++) to[i] = scale(from[i]!);
}

/** Writes values `[N, area, C]` as `[N, C, area]`. */
function planesOf(
  from: NumpyArray["data"],
  to: NumpyArray["data"],
  [channels = 1, height = 1, width = 1]: readonly number[],
  change: (v: number) => number,
): void {
  const area = height * width;
  for (let i = 0; i < from.length; i++) {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [sample, place] = [Math.floor(pixel / area), pixel % area];
    to[(sample * channels + channel) * area + place] = change(from[i]!);
  }
}

type Place = NonNullable<NumpyFile["place"]>;

/** Rows stay in the file. All are looked at once, for their hashes and their range. */
async function inFile(
  { dims, width, numbers }: NumpyFile,
  { file, from }: Place,
  form: Form,
  locate: Locate,
): Promise<FloatTensor> {
  const [count = 0] = dims;
  const each = sizeOf(form.shape);
  const rows = rowsInFile(file, from, {
    count,
    size: width * each,
    ...saysOf(locate),
  });
  const hashes = new Uint8Array(count * HASH);
  const put = (bytes: Uint8Array, to: Float32Array, row: number) => {
    const some = numbers(bytes);
    const at = row * each;
    putScaled(some, to.subarray(at, at + some.length), form);
  };
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let seen = new Float32Array(0);
  await inOrder(rows, (bytes, at, some) => {
    hashes.set(some, at * HASH);
    const length = bytes.length / width;
    if (seen.length < length) seen = new Float32Array(length);
    put(bytes, seen, 0);
    for (let i = 0; i < length; i++) {
      const v = seen[i]!;
      // NaN stays, so that whoever checks all values finds its sample.
      if (v < low || Number.isNaN(v)) low = v;
      if (v > high) high = v;
    }
  });
  return new Streamed(
    [count, ...form.shape],
    readRows(rows, hashes, [low, high], put),
  );
}

/** What to say of rows of a file that is the user's. */
const saysOf = (locate: Locate): Pick<ByteRows, "unread" | "changed"> => ({
  unread: (row, { why }) =>
    new AssayError(
      "FILE_UNREADABLE",
      `${locate("pixels", row)} cannot be read (${why})`,
      "Leave the data as it is while a run goes on, and start it again.",
    ),
  changed: (row) =>
    new AssayError(
      "DATA_CHANGED",
      `${locate("pixels", row)} is another one than when the data was read`,
      "Leave the data as it is while a run goes on, and start it again.",
    ),
});

/** Images of bytes, resized and cropped in threads as image files are. */
async function throughPipeline(
  { dims, type, place }: NumpyFile,
  { shape, isLast }: Form,
  { pipeline, range, cache }: Spec,
  locate: Locate,
): Promise<FloatTensor> {
  const [channels = 0, height = 0, width = 0, ...more] = shape;
  const isImage = (channels === 1 || channels === 3) && width > 0;
  const refused = (why: string) =>
    new UsageError(
      "DATA_PIPELINE",
      `pipeline: ${pipeline} needs images of bytes, ${locate("pixels")} ${why}`,
      "Give images as uint8, 0 to 255, with 1 or 3 channels, written by numpy.save or numpy.savez in C order, or leave pipeline out.",
    );
  if (!type.endsWith("u1") || !isImage || more.length > 0 || range)
    throw refused(
      range
        ? "has a range of its own"
        : `has numbers of type ${type} and shape [${dims.join(", ")}]`,
    );
  if (!place) throw refused("is packed, or does not stand row by row");
  const wanted = { pipeline: pipelines[pipeline as keyof typeof pipelines] };
  const { crop } = wanted.pipeline;
  const raw = { height, width, channels: channels as 1 | 3, isLast };
  const out = [channels, crop, crop];
  const rows: ByteRows = {
    count: dims[0] ?? 0,
    size: sizeOf(out),
    ...saysOf(locate),
    task: (some, bytes, floats) =>
      inThread({
        ...place,
        rows: some,
        size: sizeOf(shape),
        raw,
        wanted,
        bytes,
        floats,
      }),
  };
  const key = () => keyOf([place.file], { from: place.from, dims, wanted });
  const shown = (row: number) => locate("pixels", row);
  return pixelsOf(madeOf(rows, { shape: out, key, shown }), cache);
}
