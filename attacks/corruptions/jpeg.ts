import { chrominance, cosines, luminance, stepsAt } from "#core";
import type { Corruption, Image } from "./corruption.ts";

/**
 * JPEG at a quality: colour differences at half the size, cosines of 8x8
 * blocks, rounded by the standard's tables (ITU-T T.81, annex K). What is lost
 * is lost here; the coding of what is left loses nothing, and is left out.
 */
export const jpeg: Corruption = {
  id: "jpeg",
  severities: [80, 65, 58, 50, 40],
  apply(image, quality) {
    const { channels, height, width, data } = image;
    const size = height * width;
    const plane = (c: number) => data.subarray(c * size, (c + 1) * size);
    if (channels !== 3) {
      const to = new Float32Array(data.length);
      for (let c = 0; c < channels; c++)
        to.set(
          rounded(scaled(plane(c)), height, width, luminance, quality).map(
            (v) => v / 255,
          ),
          c * size,
        );
      return to;
    }
    const [y, blue, red] = differences(image);
    const small = [Math.ceil(height / 2), Math.ceil(width / 2)] as const;
    const brightness = rounded(y, height, width, luminance, quality);
    const [cb, cr] = [blue, red].map((v) =>
      enlarged(
        rounded(
          halved(v, height, width),
          small[0],
          small[1],
          chrominance,
          quality,
        ),
        height,
        width,
      ),
    ) as [Float32Array, Float32Array];
    return colours(brightness, cb, cr);
  },
};

const scaled = (plane: Float32Array) => plane.map((v) => Math.round(255 * v));

/** Brightness and colour differences, of 0 to 255. */
function differences({
  height,
  width,
  data,
}: Image): [Float32Array, Float32Array, Float32Array] {
  const size = height * width;
  const [y, cb, cr] = [0, 1, 2].map(() => new Float32Array(size)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [0, 1, 2].map((c) =>
      Math.round(255 * data[c * size + i]!),
    ) as [number, number, number];
    y[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    cb[i] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
    cr[i] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
  }
  return [y, cb, cr];
}

function colours(
  y: Float32Array,
  cb: Float32Array,
  cr: Float32Array,
): Float32Array {
  const size = y.length;
  const to = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    const [v, b, r] = [y[i]!, cb[i]! - 128, cr[i]! - 128];
    to[i] = Math.round(v + 1.402 * r) / 255;
    to[size + i] = Math.round(v - 0.344136 * b - 0.714136 * r) / 255;
    to[2 * size + i] = Math.round(v + 1.772 * b) / 255;
  }
  return to;
}

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

/** A plane of 0 to 255 whose blocks' cosines are rounded to multiples of the table at this quality. */
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

/** The cosine transform of a block of 8x8, or its inverse: first along columns, then along rows. */
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
