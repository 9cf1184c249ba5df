import { largestOf, type NormGeometry } from "./norm.ts";

/** How many numbers change at all. */
export const l0: NormGeometry = {
  shrink(delta, eps, { centre, bounds: [low, high] }) {
    // What the bounds will clip does not count.
    for (let i = 0; i < delta.length; i++) {
      const c = centre[i] as number;
      delta[i] = Math.min(high, Math.max(low, c + (delta[i] as number))) - c;
    }
    const kept = new Set(largestOf(delta, Math.floor(eps)));
    for (let i = 0; i < delta.length; i++) if (!kept.has(i)) delta[i] = 0;
  },
  /** The one number that matters most. */
  direction(gradient) {
    const [most = 0] = gradient.every(Number.isFinite)
      ? largestOf(gradient, 1)
      : [];
    const sign = Math.sign(gradient[most] as number) || 0;
    gradient.fill(0);
    gradient[most] = sign;
  },
  // The bounds cut what is drawn to any value that they allow.
  draw(delta, eps, random) {
    delta.fill(0);
    const places = random.permutation(delta.length).slice(0, Math.floor(eps));
    for (const i of places) delta[i] = 2 * random.uniform() - 1;
  },
  length: (delta) => delta.reduce((count, d) => count + (d === 0 ? 0 : 1), 0),
};
