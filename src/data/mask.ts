import { inflateSync } from "node:zlib";
import { AssayError, messageOf, readFile } from "#core";
import { decodeImage } from "./image.ts";

/** A number for each pixel, row by row. */
export interface Mask {
  readonly height: number;
  readonly width: number;
  readonly labels: Uint16Array;
}

const SIGNATURE = "\x89PNG\r\n\x1a\n";

/** 8192 x 8192, as of images. */
const MOST_PIXELS = 2 ** 26;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
}

/**
 * The numbers that a PNG holds as they are stored: grey values, or places in a palette,
 * of 1 to 16 bits. An image decoder would make colours of places, and scale
 * what has fewer than 8 bits.
 *
 * @param shown how messages name the file
 * @throws DATA_IMAGE for colours, interlaced files, and what is damaged or too large
 */
export function readMask(file: string, shown: string): Mask {
  const bytes = Buffer.from(readFile(file));
  const refuse = (why: string, hint = "Write the mask again as a PNG.") =>
    new AssayError("DATA_IMAGE", `${shown} ${why}`, hint);
  if (bytes.toString("latin1", 0, 8) !== SIGNATURE)
    throw refuse("is not a PNG image");
  const chunks = chunksOf(bytes);
  const first = chunks[0];
  if (first?.type !== "IHDR" || first.data.length !== 13)
    throw refuse("has no header");
  const width = first.data.readUInt32BE(0);
  const height = first.data.readUInt32BE(4);
  const [depth = 0, colour = 0, , , interlaced = 0] = first.data.subarray(8);
  if (colour !== 0 && colour !== 3)
    throw refuse(
      "has colours, expected the number of a class at each pixel",
      'State their colours (colours: [[road, "#804080"], ...]), or write masks in grey or with a palette, as numbers of classes.',
    );
  if (interlaced !== 0) throw refuse("is interlaced");
  if (![1, 2, 4, 8, 16].includes(depth) || width * height > MOST_PIXELS)
    throw refuse(`states ${width}x${height} pixels of ${depth} bits`);
  const stride = Math.ceil((width * depth) / 8);
  try {
    const packed = chunks.filter((c) => c.type === "IDAT").map((c) => c.data);
    const raw = inflateSync(Buffer.concat(packed), {
      maxOutputLength: Math.max(1, height * (stride + 1)),
    });
    if (raw.length !== height * (stride + 1))
      throw new Error(`it has ${raw.length} bytes of pixels`);
    return { width, height, labels: labelsOf(raw, { width, height, depth }) };
  } catch (error) {
    throw refuse(`cannot be decoded: ${messageOf(error)}`);
  }
}

/**
 * The numbers of the colours that an image has, pixel by pixel.
 *
 * @param numbers by colour, 0xRRGGBB
 * @throws DATA_IMAGE for a colour that has none
 */
export async function readColours(
  file: string,
  shown: string,
  numbers: ReadonlyMap<number, number>,
): Promise<Mask> {
  // The decoder is slow to load, and most runs need none.
  const image = await decodeImage(file, shown, { channels: 3 });
  const { height, width, bytes } = image;
  const labels = new Uint16Array(height * width);
  for (let p = 0; p < labels.length; p++) {
    const [r = 0, g = 0, b = 0] = bytes.subarray(3 * p, 3 * p + 3);
    const colour = 65536 * r + 256 * g + b;
    const label = numbers.get(colour);
    if (label === undefined)
      throw new AssayError(
        "DATA_IMAGE",
        `${shown} has the colour #${colour.toString(16).padStart(6, "0")}, which colours do not name`,
        "Name every colour, null as its class where it does not count; write masks as PNG, since JPEG changes colours.",
      );
    labels[p] = label;
  }
  return { height, width, labels };
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

function chunksOf(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Undoes the filter of each line, and unpacks its numbers. */
function labelsOf(raw: Buffer, { width, height, depth }: Header): Uint16Array {
  const stride = Math.ceil((width * depth) / 8);
  // What stands one pixel to the left; of less than a byte, one byte.
  const back = Math.max(1, depth / 8);
  const labels = new Uint16Array(width * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const line = Uint8Array.from(raw.subarray(start + 1, start + 1 + stride));
    unfilter(raw[start]!, line, above, back);
    for (let x = 0; x < width; x++)
      labels[y * width + x] = numberAt(line, x, depth);
    above = line;
  }
  return labels;
}

function numberAt(line: Uint8Array, x: number, depth: number): number {
  if (depth === 16) return 256 * line[2 * x]! + line[2 * x + 1]!;
  const bit = x * depth;
  const shift = 8 - depth - (bit % 8);
  return (line[Math.floor(bit / 8)]! >> shift) & (2 ** depth - 1);
}

/** The filters of PNG (ISO/IEC 15948, section 9), in place. */
function unfilter(
  filter: number,
  line: Uint8Array,
  above: Uint8Array,
  back: number,
): void {
  if (filter > 4) throw new Error(`a line has the filter ${filter}`);
  for (let i = 0; i < line.length; i++) {
    const left = line[i - back] ?? 0;
    const up = above[i]!;
    const corner = above[i - back] ?? 0;
    const guess =
      filter === 1
        ? left
        : filter === 2
          ? up
          : filter === 3
            ? (left + up) >> 1
            : filter === 4
              ? paeth(left, up, corner)
              : 0;
    line[i] = line[i]! + guess;
  }
}

/** The neighbour that is nearest to their slope. */
function paeth(left: number, up: number, corner: number): number {
  const slope = left + up - corner;
  const [a, b, c] = [left, up, corner].map((v) => Math.abs(slope - v)) as [
    number,
    number,
    number,
  ];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
