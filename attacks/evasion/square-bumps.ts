import { AssayError, type Random } from "#core";
import { type Norm, norms } from "../norms/index.ts";
import type { Canvas, Moves } from "./square-moves.ts";

/**
 * Square Attack in L2 (section 3.5) and in L1 (Croce and Hein 2021): a bump in a
 * window takes over the budget of another window, which is wiped.
 *
 * As in AutoAttack, the difference is scaled to the whole budget before it is
 * clipped into the bounds.
 */
export function bumps(norm: Norm): Moves {
  const power = norm === "l1" ? 1 : 2;
  const { length } = norms[norm];
  const scale = (values: Float64Array, size: number) => {
    const factor = size / Math.max(length(values), 1e-12);
    for (let i = 0; i < values.length; i++) values[i]! *= factor;
  };
  // Squares come in few sizes.
  const made = new Map<number, readonly [Float64Array, Float64Array]>();
  const bump = (side: number, random: Random): Float64Array => {
    const both = made.get(side) ?? pyramids(side, 2 * (3 - power), scale);
    made.set(side, both);
    return both[random.uniform() < 0.5 ? 0 : 1];
  };
  // One difference is changed at a time.
  let kept = new Float64Array(0);
  const sized = (size: number): Float64Array => {
    if (kept.length !== size) kept = new Float64Array(size);
    return kept;
  };
  /** Centre and difference, scaled to the budget, as a point inside the bounds. */
  const place = (
    to: Float32Array,
    centre: Float32Array,
    delta: Float64Array,
    { eps, bounds: [low, high] }: Canvas,
  ) => {
    const factor = eps / Math.max(length(delta), 1e-12);
    for (let i = 0; i < delta.length; i++) {
      const there = centre[i]! + delta[i]! * factor;
      to[i] = Math.min(high, Math.max(low, there));
    }
  };

  return {
    start(to, centre, canvas, random) {
      const { channels, height, width } = checked(canvas);
      const side = Math.floor(height / 5);
      const edge = Math.floor((height - 5 * side) / 2);
      const delta = sized(to.length).fill(0);
      for (let top = edge; top + side <= height; top += side)
        for (let left = edge; left + side <= width; left += side) {
          const shape = bump(side, random);
          for (let c = 0; c < channels; c++) {
            const sign = signOf(random);
            paint(canvas, c, { top, left, side }, (i, k) => {
              delta[i] = delta[i]! + sign * shape[k]!;
            });
          }
        }
      place(to, centre, delta, canvas);
    },
    change(to, centre, share, canvas, random) {
      const { channels, height, width, eps } = checked(canvas);
      const delta = sized(to.length);
      for (let i = 0; i < delta.length; i++) delta[i] = to[i]! - centre[i]!;
      const side = sideOf(share, canvas);
      const somewhere = (): Window => ({
        top: random.below(height - side + 1),
        left: random.below(width - side + 1),
        side,
      });
      const [here, wiped] = [somewhere(), somewhere()];
      const total = length(delta);
      const unspent =
        power === 1
          ? Math.max(eps - total, 0)
          : Math.max(eps * eps - total * total, 0) / channels;
      const shape = bump(side, random);
      const old = new Float64Array(side * side);
      for (let c = 0; c < channels; c++) {
        const sign = signOf(random);
        // What the two windows held, and what is not spent yet, is what
        // the channel gets.
        let held = 0;
        paint(canvas, c, here, (i, k) => {
          const d = delta[i]!;
          old[k] = d;
          held += power === 1 ? Math.abs(d) : d * d;
          delta[i] = 0;
        });
        // What is in both is not counted again, since it is 0 by now.
        paint(canvas, c, wiped, (i) => {
          const d = delta[i]!;
          held += power === 1 ? Math.abs(d) : d * d;
          delta[i] = 0;
        });
        scale(old, length(old) > 0 ? 1 : 0);
        for (let k = 0; k < old.length; k++)
          old[k] = old[k]! + sign * shape[k]!;
        scale(
          old,
          power === 1 ? unspent + held * channels : Math.sqrt(unspent + held),
        );
        paint(canvas, c, here, (i, k) => {
          delta[i] = old[k]!;
        });
      }
      place(to, centre, delta, canvas);
    },
  };
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

/** Visits the numbers of a window in one channel, with their place in it. */
function paint(
  { height, width }: Canvas,
  channel: number,
  { top, left, side }: Window,
  visit: (i: number, place: number) => void,
): void {
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      visit(
        (channel * height + top + row) * width + left + column,
        row * side + column,
      );
}

/** Odd, and at least 3, as its two halves need. */
function sideOf(share: number, { height, width }: Canvas): number {
  const side = Math.max(3, Math.round(Math.sqrt(share * height * width)));
  const odd = side % 2 === 0 ? side + 1 : side;
  const most = Math.min(height, width);
  return Math.min(odd, most % 2 === 0 ? most - 1 : most);
}

/** Whether an image is large enough for the first bumps, a fifth of it each. */
export const hasRoomForBumps = ({
  height,
  width,
}: Pick<Canvas, "height" | "width">): boolean => height >= 5 && width >= 5;

function checked(canvas: Canvas): Canvas {
  if (hasRoomForBumps(canvas)) return canvas;
  throw new AssayError(
    "ATTACK_INPUT",
    `square in L2 and L1 needs images of at least 5x5 pixels, the input has ${canvas.height}x${canvas.width}`,
    "Use it in Linf, or another attack without gradients.",
  );
}

const signOf = (random: Random) => (random.uniform() < 0.5 ? -1 : 1);

/**
 * Two pyramids side by side, of opposite sign and together of length 1;
 * lying and standing.
 */
function pyramids(
  side: number,
  decay: number,
  scale: (values: Float64Array, size: number) => void,
): [Float64Array, Float64Array] {
  const half = Math.floor(side / 2);
  const values = new Float64Array(side * side);
  const upper = pyramid(half, side, decay);
  const lower = pyramid(side - half, side, decay);
  scale(upper, 1);
  scale(lower, -1);
  values.set(upper);
  values.set(lower, half * side);
  scale(values, 1);
  const standing = values.map(
    (_, k) => values[(k % side) * side + Math.floor(k / side)]!,
  );
  return [values, standing];
}

/**
 * Layers of rectangles that grow around the middle, each lighter than the one before
 * (equation 2), in L1 by the square of that.
 */
function pyramid(rows: number, columns: number, decay: number): Float64Array {
  const values = new Float64Array(rows * columns);
  let [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  const layers = Math.max(top, left) + 1;
  for (let layer = 0; layer < layers; layer++, top--, left--)
    for (
      let row = Math.max(top, 0);
      row < Math.min(top + 2 * layer + 1, rows);
      row++
    )
      for (
        let column = Math.max(left, 0);
        column < Math.min(left + 2 * layer + 1, columns);
        column++
      )
        values[row * columns + column]! += 1 / (layer + 1) ** decay;
  return values;
}
