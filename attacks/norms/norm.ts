import type { Random } from "#core";

/** One sample's surroundings: its numbers, and what every number has to stay within. */
export interface Box {
  readonly centre: ArrayLike<number>;
  readonly bounds: readonly [number, number];
}

/**
 * How one way of measuring differences works, on the difference of one sample
 * from its centre.
 */
export interface NormGeometry {
  /**
   * Moves a difference to the nearest allowed one, in place. What is left to the bounds
   * is clipped afterwards.
   */
  shrink(delta: Float64Array, eps: number, box: Box): void;
  /**
   * Replaces a gradient, which is finite, by the step along which a linear loss rises
   * most among those of length `size`, in place. A zero gradient gives no step.
   *
   * The length is that of the part inside the bounds: none of it is spent on what
   * clipping undoes. How hard a number pushes against its bound stays in the step,
   * since a projection weighs it against the others.
   *
   * @param box around the point that the step is taken from
   */
  step(gradient: Float64Array, size: number, box: Box): void;
  /** Fills with a uniformly random difference of at most this length. */
  draw(delta: Float64Array, eps: number, random: Random): void;
  length(delta: Float64Array): number;
}

/** Surroundings without bounds, around 0. */
export const unbounded = (width: number): Box => ({
  centre: new Float64Array(width),
  bounds: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
});

/** How far each number may go along a direction until it meets its bound. */
export function roomAlong(
  direction: Float64Array,
  { centre, bounds: [low, high] }: Box,
): Float64Array {
  const room = new Float64Array(direction.length);
  for (let i = 0; i < room.length; i++) {
    const c = centre[i]!;
    room[i] = Math.max(0, direction[i]! > 0 ? high - c : c - low);
  }
  return room;
}
