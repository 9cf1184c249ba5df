import type { Random } from "#core";

/** One sample's surroundings: its numbers, and what every number has to stay within. */
export interface Box {
  readonly centre: ArrayLike<number>;
  /** Finite. */
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
   *
   * @param box what holds besides; the ball alone when left out
   */
  shrink(delta: Float64Array, eps: number, box?: Box): void;
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

/** Beyond what any sample holds; its square is finite too. */
const FAR = 2 ** 500;

/** Surroundings whose bounds nothing reaches, around 0. */
export const unbounded = (width: number): Box => ({
  centre: new Float64Array(width),
  bounds: [-FAR, FAR],
});

/** How far a number may go the way that this one points, until it meets its bound. */
export function roomOf(
  way: number,
  centre: number,
  low: number,
  high: number,
): number {
  const up = Number(way > 0);
  return Math.max(0, up * (high - centre) + (1 - up) * (centre - low));
}

/** Two arrays of at least so many numbers, which serve one call after the other. */
export function scratch(): (size: number) => [Float64Array, Float64Array] {
  let kept: [Float64Array, Float64Array] = [
    new Float64Array(0),
    new Float64Array(0),
  ];
  return (size) => {
    if (kept[0].length < size)
      kept = [new Float64Array(size), new Float64Array(size)];
    return kept;
  };
}

/** How far each number may go along a direction until it meets its bound. */
export function roomAlong(
  direction: Float64Array,
  { centre, bounds: [low, high] }: Box,
): Float64Array {
  const room = new Float64Array(direction.length);
  for (let i = 0; i < room.length; i++)
    room[i] = roomOf(direction[i]!, centre[i]!, low, high);
  return room;
}
