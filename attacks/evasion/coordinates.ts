import { BETA1, BETA2, EPSILON } from "./adam.ts";

/** Numbers of which Adam moves some at a time: means and steps are of each number. */
export interface CoordinateAdam {
  readonly value: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly steps: Uint32Array;
}

/** Coordinate-wise Adam at its start. */
export const coordinatesFrom = (value: Float32Array): CoordinateAdam => ({
  value,
  first: new Float32Array(value.length),
  second: new Float32Array(value.length),
  steps: new Uint32Array(value.length),
});

/**
 * One step of these numbers, in place (Chen et al. 2017,
 * arXiv:1708.03999, algorithm 2).
 */
export function stepCoordinates(
  { value, first, second, steps }: CoordinateAdam,
  places: readonly number[],
  slopes: readonly number[],
  rate: number,
): void {
  places.forEach((k, at) => {
    const g = slopes[at]!;
    const t = steps[k]! + 1;
    const m = BETA1 * first[k]! + (1 - BETA1) * g;
    const v = BETA2 * second[k]! + (1 - BETA2) * g * g;
    steps[k] = t;
    first[k] = m;
    second[k] = v;
    value[k] =
      value[k]! -
      (rate * (m / (1 - BETA1 ** t))) /
        (Math.sqrt(v / (1 - BETA2 ** t)) + EPSILON);
  });
}
