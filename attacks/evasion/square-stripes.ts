import type { Random } from "#core";
import type { Canvas, Moves } from "./square-moves.ts";

/**
 * Square Attack in Linf: vertical stripes at the edge of the ball, then squares moved
 * to another edge (sections 3.3 and 3.4).
 */
export const stripes: Moves = {
  start(to, centre, canvas, random) {
    const { channels, height, width } = canvas;
    for (let c = 0; c < channels; c++)
      for (let column = 0; column < width; column++) {
        const sign = signOf(random);
        for (let row = 0; row < height; row++)
          move(to, centre, (c * height + row) * width + column, sign, canvas);
      }
  },
  change(to, centre, share, canvas, random) {
    const { channels, height, width } = canvas;
    const [rows, columns] = windowOf(share, canvas);
    const top = random.below(height - rows + 1);
    const left = random.below(width - columns + 1);
    for (let c = 0; c < channels; c++) {
      const sign = signOf(random);
      for (let row = top; row < top + rows; row++)
        for (let column = left; column < left + columns; column++)
          move(to, centre, (c * height + row) * width + column, sign, canvas);
    }
  },
};

const signOf = (random: Random) => (random.uniform() < 0.5 ? -1 : 1);

/** To the edge of ball and bounds, on one side of the centre. */
function move(
  to: Float32Array,
  centre: Float32Array,
  i: number,
  sign: number,
  { eps, bounds: [low, high] }: Canvas,
): void {
  const there = centre[i]! + sign * eps;
  to[i] = Math.min(high, Math.max(low, there));
}

/**
 * Rows and columns of a square of this share of the pixels; wider where the image is
 * too flat for one.
 */
function windowOf(
  share: number,
  { height, width }: Canvas,
): [rows: number, columns: number] {
  const area = share * height * width;
  const side = Math.max(1, Math.round(Math.sqrt(area)));
  if (side <= Math.min(height, width)) return [side, side];
  const short = Math.min(height, width);
  const long = Math.max(1, Math.round(area / short));
  return height < width ? [short, long] : [long, short];
}
