import type { Random } from "#core";

/** One sample's surroundings: its numbers, and what every number has to stay within. */
export interface Box {
  readonly centre: Float32Array;
  readonly bounds: readonly [number, number];
}

/** How one way of measuring differences works, on the difference of one sample from its centre. */
export interface NormGeometry {
  /** Moves a difference to the nearest allowed one, in place; what is left to the bounds is clipped afterwards. */
  shrink(delta: Float64Array, eps: number, box: Box): void;
  /** Replaces a gradient by the step of length 1 along which a linear loss rises most, in place; a zero or non-finite gradient gives no step. */
  direction(gradient: Float64Array): void;
  /** Fills with a uniformly random difference of at most this length. */
  draw(delta: Float64Array, eps: number, random: Random): void;
  length(delta: Float64Array): number;
}

/** Makes a direction as long as 1, or nothing of it. */
export function unit(v: Float64Array, size: number): void {
  const scale = size > 0 && Number.isFinite(size) ? 1 / size : 0;
  for (let i = 0; i < v.length; i++) v[i] = scale === 0 ? 0 : v[i]! * scale;
}

/** The places of the `count` largest absolute values, the first of equal ones. */
export function largestOf(v: Float64Array, count: number): number[] {
  return Array.from(v.keys())
    .sort((a, b) => Math.abs(v[b]!) - Math.abs(v[a]!) || a - b)
    .slice(0, count);
}
