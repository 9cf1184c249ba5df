import type { FloatTensor } from "#onnx";
import { rowOf } from "../evasion/vectors.ts";
import { type Adadelta, adadeltaFrom, adadeltaStep } from "./adadelta.ts";

/**
 * Keeps numbers on the bounds inside the range of tanh, as in the code of
 * Wang et al. 2018.
 */
const INSIDE = 2 - 1e-6;

/** Points that move by Adadelta on variables whose tanh spans the bounds. */
export interface BoxDescent {
  /** Where they are, inside the bounds. */
  points(): FloatTensor;
  /** Moves one of them down a slope, given by its numbers. */
  move(row: number, slope: (place: number) => number, rate: number): void;
}

/** Begins at these points [N, ...shape] inside the bounds. */
export function descendFrom(
  start: FloatTensor,
  [low, high]: readonly [number, number],
): BoxDescent {
  const range = high - low;
  const searches = Array.from(
    { length: start.dims[0] ?? 0 },
    (_, row): Adadelta =>
      adadeltaFrom(
        Float64Array.from(rowOf(start, row), (v) =>
          Math.atanh(((v - low) / range - 0.5) * INSIDE),
        ),
      ),
  );
  return {
    points() {
      const now = { ...start, data: new Float32Array(start.data.length) };
      searches.forEach(({ value }, row) => {
        rowOf(now, row).set(
          value.map((w) =>
            Math.min(
              high,
              Math.max(low, low + range * (Math.tanh(w) / INSIDE + 0.5)),
            ),
          ),
        );
      });
      return now;
    },
    move(row, slope, rate) {
      const search = searches[row]!;
      adadeltaStep(
        search,
        search.value.map((w, i) => {
          const t = Math.tanh(w);
          return (slope(i) * (1 - t * t) * range) / INSIDE;
        }),
        rate,
      );
    },
  };
}
