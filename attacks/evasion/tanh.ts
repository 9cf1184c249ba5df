import { type Adam, adamFrom } from "./adam.ts";

type Bounds = readonly [number, number];

/** Keeps numbers on the bounds inside the range of tanh, as in the authors' code. */
const INSIDE = 0.999999;

/**
 * The variable of Carlini and Wagner (2017, arXiv:1608.04644), for Adam to move: its
 * tanh spans the bounds, so that these hold by themselves.
 */
export function tanhFrom(row: Float32Array, [low, high]: Bounds): Adam {
  const half = (high - low) / 2;
  return adamFrom(row.map((v) => Math.atanh(((v - low) / half - 1) * INSIDE)));
}

/** Writes the point of the variable. */
export function writePoint(
  { value }: Adam,
  [low, high]: Bounds,
  point: Float32Array,
): void {
  const half = (high - low) / 2;
  for (let k = 0; k < point.length; k++)
    point[k] = low + half * (Math.tanh(value[k]!) + 1);
}

/**
 * Turns the gradient of the margin into that of the whole loss by the variable, in
 * its place.
 *
 * @param pull what the margin counts, times the width of the bounds; 0
 *   where it is enough
 * @param away the slope of the distance along each number, halved, of changes in [0, 1]
 */
export function turnSlope(
  { value }: Adam,
  slope: Float32Array,
  pull: number,
  away: (k: number) => number,
): void {
  for (let k = 0; k < slope.length; k++) {
    const push = pull === 0 ? 0 : pull * slope[k]!;
    const t = Math.tanh(value[k]!);
    const whole = (away(k) - push / 2) * (1 - t * t);
    slope[k] = Number.isFinite(whole) ? whole : 0;
  }
}
