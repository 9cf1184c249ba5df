// Reads images in a thread of its own: a model that computes blocks the thread that asks
// for them. Plain JavaScript, so that it runs from source and from the package alike. See
// image-threads.ts.
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import sharp from "sharp";
import { resizedAndCropped } from "./resample.mjs";

/** 8192 x 8192. What claims to be larger is refused from its header. */
const MOST_PIXELS = 2 ** 26;

/** Decoding at once. Each holds one image in memory. */
const LANES = 4;

parentPort.on("message", async ({ task, state, port }) => {
  const answer = task.rows ? read(task) : await decodeAll(task);
  if (task.floats) asNumbers(task.bytes, task.floats);
  port.postMessage(answer);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});

/**
 * Decodes files, or what they would hold. What is asked for as planes [C, H, W] is written behind each other, and
 * hashed; a single one is given as it is.
 */
async function decodeAll({ files, wanted, shape, bytes }) {
  const hashes = new Uint8Array(32 * files.length);
  const problems = [];
  let image;
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const i = next++;
      try {
        const file = files[i];
        const content = typeof file === "string" ? readFileSync(file) : file;
        image = await decoded(content, wanted);
        if (!shape) continue;
        const { height, width, channels } = image;
        if (channels !== shape[0] || height !== shape[1] || width !== shape[2])
          problems.push({ i, other: { height, width, channels } });
        else hashes.set(planes(image, bytes, i * image.bytes.length), 32 * i);
      } catch (error) {
        const { message, code, isImage } = error;
        problems.push({ i, why: message.split("\n")[0], code, isImage });
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  problems.sort((a, b) => a.i - b.i);
  return { image: shape ? undefined : image, hashes, problem: problems[0] };
}

/** Files of rows that are open. */
const open = new Map();

/** One that was removed meanwhile to make room is read on, one that was replaced anew. */
function opened(file) {
  const now = statSync(file, { throwIfNoEntry: false })?.ino;
  const known = open.get(file);
  if (known && (now === undefined || now === known.inode)) return known.number;
  if (known) closeSync(known.number);
  const number = openSync(file, "r");
  open.set(file, { number, inode: now });
  return number;
}

/** Reads rows of a file, which may be images that become what is wanted. */
function read({ file, from, rows, size, raw, wanted, bytes }) {
  const hashes = new Uint8Array(32 * rows.length);
  const row = new Uint8Array(size);
  let i = 0;
  try {
    const number = opened(file);
    for (; i < rows.length; i++) {
      readWhole(number, row, from + rows[i] * size);
      if (raw) {
        const image = resizedAndCropped(pixelsOf(row, raw), wanted.pipeline);
        hashes.set(planes(image, bytes, i * image.bytes.length), 32 * i);
        continue;
      }
      bytes.set(row, i * size);
      hashes.set(createHash("sha256").update(row).digest(), 32 * i);
    }
    return { hashes };
  } catch (error) {
    return { hashes, problem: { i, why: error.message, code: error.code } };
  }
}

function readWhole(number, row, at) {
  for (let count = 0; count < row.length; ) {
    const left = row.length - count;
    const more = readSync(number, row, count, left, at + count);
    if (more === 0) throw new Error("it ends too soon");
    count += more;
  }
}

/** Bytes as numbers from 0 to 1. */
function asNumbers(bytes, to) {
  for (let i = 0; i < to.length; i++) to[i] = bytes[i] / 255;
}

/** Bytes of an image as pixels [H, W, C]. */
function pixelsOf(row, { height, width, channels, isLast }) {
  const area = height * width;
  const bytes = isLast ? row : new Uint8Array(row.length);
  for (let c = 0; !isLast && c < channels; c++)
    for (let i = 0; i < area; i++) bytes[i * channels + c] = row[c * area + i];
  return { height, width, channels, bytes };
}

/** Writes pixels [H, W, C] as planes [C, H, W], and gives their SHA-256. */
function planes({ bytes: pixels, channels }, to, at) {
  const area = pixels.length / channels;
  const own = channels === 1 ? pixels : new Uint8Array(pixels.length);
  for (let c = 0; channels > 1 && c < channels; c++)
    for (let i = 0; i < area; i++) own[c * area + i] = pixels[i * channels + c];
  to.set(own, at);
  return createHash("sha256").update(own).digest();
}

/** Pixels [H, W, C] of a file, told by its content, to the values that Pillow gives. */
async function decoded(content, { size, channels, pipeline }) {
  // Nothing else reaches the decoder, which knows many more formats.
  if (!content || !isImage(content))
    throw Object.assign(new Error("no image"), { isImage: false });
  const image = sharp(content, {
    limitInputPixels: MOST_PIXELS,
    ignoreIcc: true,
  });
  const { space } = await image.metadata();
  const own = space === "b-w" || space === "grey16" ? 1 : 3;
  const whole =
    space === "cmyk"
      ? await fromInks(image)
      : await toBytes(image.removeAlpha().toColourspace("srgb"));
  const grey = (channels ?? own) === 1;
  // As pipelines of training do: what a file has becomes the colours of the model first.
  if (pipeline)
    return resizedAndCropped(grey ? toGrey(whole) : whole, pipeline);
  const colour = size === undefined ? whole : await stretch(whole, size);
  return grey ? toGrey(colour) : colour;
}

function isImage(content) {
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
async function fromInks(image) {
  const { data, info } = await image
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const bytes = new Uint8Array(3 * info.height * info.width);
  for (let i = 0; i < bytes.length; i++) {
    const pixel = Math.floor(i / 3) * info.channels;
    const left = 255 - data[pixel + 3];
    const product = data[pixel + (i % 3)] * left + 128;
    bytes[i] = left - (((product >> 8) + product) >> 8);
  }
  return { height: info.height, width: info.width, channels: 3, bytes };
}

async function toBytes(image) {
  const { data, info } = await image
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: 3, bytes: data };
}

/**
 * Resizes decoded pixels: resizing within the decoder would weigh them by
 * their transparency.
 */
function stretch({ height, width, channels, bytes }, size) {
  const image = sharp(bytes, { raw: { height, width, channels } });
  return toBytes(image.resize(size.width, size.height, { fit: "fill" }));
}

/**
 * The weights of ITU-R 601 in 16-bit fixed point, rounded: equal channels
 * keep their value.
 */
function toGrey({ height, width, bytes }) {
  const grey = new Uint8Array(height * width);
  for (let i = 0; i < grey.length; i++) {
    const red = bytes[3 * i];
    const green = bytes[3 * i + 1];
    const blue = bytes[3 * i + 2];
    grey[i] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
  }
  return { height, width, channels: 1, bytes: grey };
}
