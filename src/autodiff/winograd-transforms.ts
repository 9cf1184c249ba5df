/** One row after the other. */
export type Matrix = readonly (readonly number[])[];

/**
 * A convolution of three taps along an axis as products of numbers (Lavin and Gray
 * 2016, after Winograd): a tile of the result is the turned matrix `result` times the
 * products of what `kernel` makes of the taps and `image` of the pixels, one row each a
 * product.
 */
export interface Transforms {
  /** Of three taps. */
  readonly kernel: Matrix;
  /** Of the pixels that a tile sees. */
  readonly image: Matrix;
  /** Of the pixels of a tile, whose turned matrix leads back. */
  readonly result: Matrix;
}

/** F(2, 3) and F(4, 3) of the paper, by the pixels of a tile. */
export const transforms: Readonly<Record<2 | 4, Transforms>> = {
  2: {
    kernel: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    image: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    result: [
      [1, 0],
      [1, 1],
      [1, -1],
      [0, -1],
    ],
  },
  4: {
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    image: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    result: [
      [1, 0, 0, 0],
      [1, 1, 1, 1],
      [1, -1, 1, -1],
      [1, 2, 4, 8],
      [1, -2, 4, -8],
      [0, 0, 0, 1],
    ],
  },
};
