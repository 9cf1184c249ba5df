import { largestOf, type NormGeometry } from "./norm.ts";

function length(v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += Math.abs(v[i]!);
  return sum;
}

/** Share of the numbers that a step moves (Tramèr and Boneh 2019, arXiv:1904.13000). */
const SPARSITY = 0.01;

/** The sum of the absolute changes. */
export const l1: NormGeometry = {
  /** Onto ball and bounds at once (Croce and Hein 2021, arXiv:2103.01208, proposition 2.1), by bisection. */
  shrink(delta, eps, { centre, bounds: [low, high] }) {
    // Every number that moves is rounded to float32 in the end, and the sum feels them all.
    const largest = Math.max(1, Math.abs(low), Math.abs(high));
    const limit = Math.max(0, eps - delta.length * largest * 2 ** -25);
    const sizes = new Float64Array(delta.length);
    const room = new Float64Array(delta.length);
    for (let i = 0; i < delta.length; i++) {
      const [d, c] = [delta[i]!, centre[i]!];
      sizes[i] = Math.abs(d);
      room[i] = Math.max(0, d > 0 ? high - c : c - low);
    }
    /** What is left of a number when all lose so much. */
    const kept = (i: number, less: number) =>
      Math.min(Math.max(sizes[i]! - less, 0), room[i]!);
    const total = (less: number) => {
      let sum = 0;
      for (let i = 0; i < sizes.length; i++) sum += kept(i, less);
      return sum;
    };
    let below = 0;
    let above = 0;
    if (total(0) > limit) {
      above = sizes.reduce((max, d) => Math.max(max, d), 0);
      for (let i = 0; i < 60; i++) {
        const middle = (below + above) / 2;
        if (total(middle) > limit) below = middle;
        else above = middle;
      }
    }
    for (let i = 0; i < delta.length; i++)
      delta[i] = Math.sign(delta[i]!) * kept(i, above);
  },
  /** The largest hundredth of the gradient, in equal parts. */
  direction(gradient) {
    const count = Math.max(1, Math.floor(SPARSITY * gradient.length));
    const finite = gradient.every(Number.isFinite);
    const chosen = finite ? largestOf(gradient, count) : [];
    const signs = chosen.map((i) => Math.sign(gradient[i]!));
    gradient.fill(0);
    chosen.forEach((i, k) => {
      gradient[i] = signs[k]! / count;
    });
  },
  // Exponential gaps with one more for the radius are uniform in the ball.
  draw(delta, eps, random) {
    const gap = () => -Math.log(1 - random.uniform());
    for (let i = 0; i < delta.length; i++)
      delta[i] = (random.uniform() < 0.5 ? -1 : 1) * gap();
    const total = length(delta) + gap();
    for (let i = 0; i < delta.length; i++) delta[i]! *= eps / total;
  },
  length,
};
