import type { FloatTensor } from "#onnx";

/** The numbers of one row, as a view. */
export function rowOf(t: FloatTensor, row: number): Float32Array {
  const width = t.data.length / t.dims[0]!;
  return t.data.subarray(row * width, (row + 1) * width);
}

/** The sum of the products. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The Euclidean length. */
export const lengthOf = (v: Float32Array): number => Math.sqrt(dot(v, v));

/**
 * Items in groups of at most `size`, so that rows of several questions
 * about each stay few.
 */
export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** From `first` to `last` along half a cosine, at this share of the way. */
export const cosine = (first: number, last: number, share: number): number =>
  last + ((first - last) * (1 + Math.cos(Math.PI * share))) / 2;
