import { type FloatTensor, fresh, type Lent } from "#onnx";
import { rowOf } from "./vectors.ts";

/** One point of some samples. */
export type Points = ReadonlyMap<number, Float32Array>;

/**
 * The points of these samples as rows [samples, ...shape of a row of `like`].
 *
 * @param lent gives the array of the rows; a new one when left out
 */
export function gathered(
  points: Points,
  samples: readonly number[],
  like: FloatTensor,
  lent: Lent = fresh,
): FloatTensor {
  const width = like.data.length / Math.max(1, like.dims[0] ?? 0);
  const data = lent(samples.length * width);
  samples.forEach((i, place) => {
    data.set(points.get(i) as Float32Array, place * width);
  });
  return {
    type: "float32",
    dims: [samples.length, ...like.dims.slice(1)],
    data,
  };
}

/** Rows as the points of these samples, as views. */
export const scattered = (
  rows: FloatTensor,
  samples: readonly number[],
): Map<number, Float32Array> =>
  new Map(samples.map((i, place) => [i, rowOf(rows, place)]));
