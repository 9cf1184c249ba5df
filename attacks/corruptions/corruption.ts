import type { Random } from "#core";

/** An image [C, H, W] with values in [0, 1]. */
export interface Image {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * A way in which images go bad without an adversary (Hendrycks and Dietterich 2019,
 * arXiv:1903.12261).
 */
export interface Corruption {
  readonly id: string;
  /**
   * What `apply` is told at severities 1 to 5: the constants of the authors'
   * code for CIFAR-10-C.
   */
  readonly severities: readonly [number, number, number, number, number];
  /** The values of the corrupted image; what leaves [0, 1] is clipped afterwards. */
  apply(image: Image, constant: number, random: Random): Float32Array;
}
