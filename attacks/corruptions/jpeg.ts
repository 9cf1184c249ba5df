import {
  chrominance,
  cosines,
  fromRgb,
  luminance,
  stepsAt,
  toRgb,
} from "#core";
import type { Corruption } from "./corruption.ts";

/**
 * JPEG at a quality: colour differences at half the size, cosines of 8x8 blocks,
 * rounded by the standard's tables (ITU-T T.81, annex K). What is lost is lost here.
 * The coding of what is left loses nothing, and is left out.
 */
export const jpeg: Corruption = {
  id: "jpeg",
  severities: [80, 65, 58, 50, 40],
  apply(image, quality) {
    const { channels, height, width, data } = image;
    const size = height * width;
    const bytes = Array.from({ length: channels }, (_, c) =>
      data.subarray(c * size, (c + 1) * size).map((v) => Math.round(255 * v)),
    );
    const planes =
      channels === 3
        ? inColour(bytes, height, width, quality)
        : bytes.map((b) => rounded(b, height, width, luminance, quality));
    return Float32Array.from(
      { length: data.length },
      (_, i) => Math.round(planes[Math.floor(i / size)]![i % size]!) / 255,
    );
  },
};

/** Red, green and blue of 0 to 255 by way of brightness and colour differences. */
function inColour(
  rgb: readonly Float32Array[],
  height: number,
  width: number,
  quality: number,
): Float64Array[] {
  const [y, ...differences] = mixed(rgb, fromRgb).map((v, k) =>
    Float32Array.from(v, (d) => (k === 0 ? d : d + 128)),
  ) as [Float32Array, Float32Array, Float32Array];
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const back = differences.map((plane) => {
    const half = halved(plane, height, width);
    const small = rounded(half, rows, columns, chrominance, quality);
    return enlarged(small, height, width).map((v) => v - 128);
  });
  return mixed([rounded(y, height, width, luminance, quality), ...back], toRgb);
}

/** Each plane as the sum of three by a row of weights. */
const mixed = (
  [a, b, c]: readonly Float32Array[],
  rows: readonly (readonly number[])[],
): Float64Array[] =>
  rows.map((row) => {
    const [p, q, r] = row as [number, number, number];
    return Float64Array.from(a!, (v, i) => p * v + q * b![i]! + r * c![i]!);
  });

/** Means of 2x2 pixels; at an odd edge of those that are there. */
function halved(plane: Float32Array, height: number, width: number) {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [top, left] = [2 * Math.floor(i / columns), 2 * (i % columns)];
    let [sum, count] = [0, 0];
    for (let r = top; r < Math.min(height, top + 2); r++)
      for (let c = left; c < Math.min(width, left + 2); c++) {
        sum += plane[r * width + c]!;
        count++;
      }
    return sum / count;
  });
}

function enlarged(plane: Float32Array, height: number, width: number) {
  const columns = Math.ceil(width / 2);
  return Float32Array.from(
    { length: height * width },
    (_, i) =>
      plane[
        Math.floor(Math.floor(i / width) / 2) * columns +
          Math.floor((i % width) / 2)
      ]!,
  );
}

/**
 * A plane of 0 to 255 whose blocks' cosines are rounded to multiples of the table
 * at this quality.
 */
function rounded(
  plane: Float32Array,
  height: number,
  width: number,
  table: readonly number[],
  quality: number,
): Float32Array {
  const steps = stepsAt(table, quality);
  const to = new Float32Array(plane.length);
  const block = new Float64Array(64);
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      for (let k = 0; k < 64; k++) {
        // The border is repeated into blocks that reach beyond it.
        const r = Math.min(height - 1, top + (k >> 3));
        const c = Math.min(width - 1, left + (k & 7));
        block[k] = plane[r * width + c]! - 128;
      }
      const waves = transformed(block, false);
      for (let k = 0; k < 64; k++) {
        const step = steps[k]!;
        waves[k] = Math.round(waves[k]! / step) * step;
      }
      const back = transformed(waves, true);
      for (let k = 0; k < 64; k++) {
        const [r, c] = [top + (k >> 3), left + (k & 7)];
        if (r < height && c < width)
          to[r * width + c] = Math.min(
            255,
            Math.max(0, Math.round(back[k]! + 128)),
          );
      }
    }
  return to;
}

/**
 * The cosine transform of a block of 8x8, or its inverse: first along columns,
 * then along rows.
 */
export function transformed(
  block: Float64Array,
  inverse: boolean,
): Float64Array {
  const weight = (a: number, b: number) =>
    (inverse ? cosines[b]?.[a] : cosines[a]?.[b]) as number;
  let from = block;
  for (const [stride, other] of [
    [8, 1],
    [1, 8],
  ] as const) {
    const to = new Float64Array(64);
    for (let a = 0; a < 8; a++)
      for (let line = 0; line < 8; line++) {
        let sum = 0;
        for (let b = 0; b < 8; b++)
          sum += weight(a, b) * from[b * stride + line * other]!;
        to[a * stride + line * other] = sum;
      }
    from = to;
  }
  return from;
}
