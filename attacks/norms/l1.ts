import { largestOf, type NormGeometry } from "./norm.ts";

const length = (v: Float64Array) => v.reduce((sum, d) => sum + Math.abs(d), 0);

/** Share of the numbers that a step moves (Tramèr and Boneh 2019, arXiv:1904.13000). */
const SPARSITY = 0.01;

/** The sum of the absolute changes. */
export const l1: NormGeometry = {
  /** Onto ball and bounds at once (Croce and Hein 2021, arXiv:2103.01208, proposition 2.1), by bisection. */
  shrink(delta, eps, { centre, bounds: [low, high] }) {
    // Every number that moves is rounded to float32 in the end, and the sum feels them all.
    const largest = Math.max(1, Math.abs(low), Math.abs(high));
    const limit = Math.max(0, eps - delta.length * largest * 2 ** -25);
    const room = delta.map((d, i) =>
      d > 0 ? high - (centre[i] as number) : (centre[i] as number) - low,
    );
    const kept = (less: number) =>
      delta.map((d, i) =>
        Math.min(
          Math.max(Math.abs(d) - less, 0),
          Math.max(0, room[i] as number),
        ),
      );
    let below = 0;
    let above = 0;
    if (length(kept(0)) > limit) {
      above = delta.reduce((max, d) => Math.max(max, Math.abs(d)), 0);
      for (let i = 0; i < 60; i++) {
        const middle = (below + above) / 2;
        if (length(kept(middle)) > limit) below = middle;
        else above = middle;
      }
    }
    const sizes = kept(above);
    for (let i = 0; i < delta.length; i++)
      delta[i] = Math.sign(delta[i] as number) * (sizes[i] as number);
  },
  /** The largest hundredth of the gradient, in equal parts. */
  direction(gradient) {
    const count = Math.max(1, Math.floor(SPARSITY * gradient.length));
    const finite = gradient.every(Number.isFinite);
    const chosen = finite ? largestOf(gradient, count) : [];
    const signs = chosen.map((i) => Math.sign(gradient[i] as number));
    gradient.fill(0);
    chosen.forEach((i, k) => {
      gradient[i] = (signs[k] as number) / count;
    });
  },
  // Exponential gaps with one more for the radius are uniform in the ball.
  draw(delta, eps, random) {
    const gap = () => -Math.log(1 - random.uniform());
    for (let i = 0; i < delta.length; i++)
      delta[i] = (random.uniform() < 0.5 ? -1 : 1) * gap();
    const total = length(delta) + gap();
    for (let i = 0; i < delta.length; i++) (delta[i] as number) *= eps / total;
  },
  length,
};
