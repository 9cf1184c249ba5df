/** How an image is turned about its middle and then moved. */
export interface Pose {
  /** In degrees, counter-clockwise. */
  readonly angle: number;
  /** As shares of height and width. */
  readonly down: number;
  readonly right: number;
}

/**
 * An image [C, H, W] in another pose: bilinear, and black (0, or the bound
 * nearest to it) where there is none.
 */
export function posed(
  image: Float32Array,
  shape: readonly number[],
  { angle, down, right }: Pose,
  bounds: readonly [number, number],
): Float32Array {
  const [, height = 1, width = 1] = shape;
  const turn = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  return warped(
    image,
    shape,
    (r, c) => {
      // Where the pixel came from: moved back, then turned back.
      const y = r - middleY - down * height;
      const x = c - middleX - right * width;
      return [middleY + cos * y + sin * x, middleX - sin * y + cos * x];
    },
    bounds,
  );
}

/**
 * An image [C, H, W] whose pixels come from other places of it: bilinear, and black
 * (0, or the bound nearest to it) outside.
 *
 * @param source row and column that a pixel comes from
 */
export function warped(
  image: Float32Array,
  shape: readonly number[],
  source: (row: number, column: number) => [row: number, column: number],
  [low, high]: readonly [number, number],
): Float32Array {
  const [channels = 1, height = 1, width = 1] = shape;
  const black = Math.min(high, Math.max(low, 0));
  const to = new Float32Array(image.length);
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const [fromY, fromX] = source(r, c);
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [dy, dx] = [fromY - top, fromX - left];
      for (let k = 0; k < channels; k++) {
        const at = (row: number, column: number) =>
          row >= 0 && row < height && column >= 0 && column < width
            ? image[(k * height + row) * width + column]!
            : black;
        const upper = (1 - dx) * at(top, left) + dx * at(top, left + 1);
        const lower = (1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1);
        const value = (1 - dy) * upper + dy * lower;
        to[(k * height + r) * width + c] = Math.min(high, Math.max(low, value));
      }
    }
  return to;
}
