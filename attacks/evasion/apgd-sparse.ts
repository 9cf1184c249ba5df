import type { Pace, Paces } from "./apgd-pace.ts";

/** Share of the numbers that the first steps move. */
const FIRST_SHARE = 0.2;
/**
 * How much sparser a step is than the best point so far, and how much smaller it gets.
 */
const FACTOR = 1.5;
/**
 * A best point with fewer numbers than this share of those before has become sparser.
 */
const SPARSER = 0.95;
/** The smallest step is a tenth of the first. */
const SMALLEST = 0.1;

/**
 * Steps for L1 along the largest numbers of the gradient, as many as two thirds
 * of those that the best point changes; back to size eps where the best point
 * got sparser, and smaller where it did not (Croce and Hein 2021,
 * arXiv:2103.01208, algorithm 1). Where all of these are at their bounds, which the
 * paper does not look at, the step goes on to the next one that can move.
 *
 * @param warm whether the start comes from an earlier climb, and says how
 *   sparse steps are to be
 */
export const sparsePaces = (warm: boolean): Paces => ({
  checkpoints(steps) {
    const gap = Math.max(1, Math.floor(0.04 * steps));
    return Array.from(
      { length: Math.ceil(steps / gap) - 1 },
      (_, i) => (i + 1) * gap,
    );
  },
  begin(ball, centre, start): Pace {
    const width = start.length;
    let size = ball.eps;
    let support = warm ? changed(centre.data, start) : width;
    let count = atLeastOne(warm ? support / FACTOR : FIRST_SHARE * width);
    return {
      next({ point, gradient }) {
        const data = Float32Array.from(point);
        const moving = largestSigns(gradient, count, point, ball.bounds);
        for (const [i, sign] of moving) data[i] = data[i]! + size * sign;
        return ball.project(centre, { ...centre, data }).data;
      },
      review({ best }) {
        const now = changed(centre.data, best);
        const sparser = now < SPARSER * support;
        size = sparser
          ? ball.eps
          : Math.max(size / FACTOR, SMALLEST * ball.eps);
        count = atLeastOne(now / FACTOR);
        support = now;
        return sparser;
      },
    };
  },
});

// Rounded down: a step on as many numbers as the best point changes would be undone
// by the projection.
const atLeastOne = (count: number) => Math.max(1, Math.floor(count));

function changed(from: Float32Array, to: Float32Array): number {
  let count = 0;
  for (let i = 0; i < from.length; i++) if (from[i] !== to[i]) count++;
  return count;
}

/**
 * The places of the largest numbers, with a step of length 1 in equal parts, and
 * further ones as far as the first that bounds let move.
 */
export function largestSigns(
  gradient: Float32Array,
  count: number,
  point: Float32Array,
  [low, high]: readonly [number, number],
): [number, number][] {
  const sizes = gradient.map(Math.abs);
  const moves = (slope: number, at: number) =>
    slope > 0 ? at < high : slope < 0 && at > low;
  let free = 0;
  for (let i = 0; i < sizes.length; i++)
    if (sizes[i]! > free && moves(gradient[i]!, point[i]!)) free = sizes[i]!;
  const from = (least: number) => {
    const chosen: number[] = [];
    for (let i = 0; i < sizes.length; i++)
      if (sizes[i] !== 0 && sizes[i]! >= least) chosen.push(i);
    return chosen;
  };
  const least = sizes.slice().sort()[sizes.length - count]!;
  const largest = from(least);
  const chosen = free < least ? from(free) : largest;
  return chosen.map((i) => [i, Math.sign(gradient[i]!) / largest.length]);
}
