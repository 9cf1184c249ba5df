import type { Random } from "#core";

/** One sample as the search sees it. */
export interface Canvas {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly eps: number;
  readonly bounds: readonly [number, number];
}

/**
 * How points are drawn in one norm. Both fill `to`, which may leave the
 * ball of L1 only.
 */
export interface Moves {
  start(
    to: Float32Array,
    centre: Float32Array,
    canvas: Canvas,
    random: Random,
  ): void;
  /** `to` holds the best point so far. `share` is the share of the pixels to change. */
  change(
    to: Float32Array,
    centre: Float32Array,
    share: number,
    canvas: Canvas,
    random: Random,
  ): void;
}
