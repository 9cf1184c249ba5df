import { largestOf, type NormGeometry } from "./norm.ts";

/** How many numbers change at all. */
export const l0: NormGeometry = {
  shrink(delta, eps, { centre, bounds: [low, high] }) {
    // Of the numbers that may change, those whose change brings the point nearest,
    // as far as the bounds let them.
    const gain = new Float64Array(delta.length);
    for (let i = 0; i < delta.length; i++) {
      const c = centre[i]!;
      const wanted = delta[i]!;
      const allowed = Math.min(high, Math.max(low, c + wanted)) - c;
      gain[i] = wanted ** 2 - (wanted - allowed) ** 2;
      delta[i] = allowed;
    }
    const kept = new Set(largestOf(gain, Math.floor(eps)));
    for (let i = 0; i < delta.length; i++) if (!kept.has(i)) delta[i] = 0;
  },
  /** The one number that matters most. */
  direction(gradient) {
    const [most = 0] = gradient.every(Number.isFinite)
      ? largestOf(gradient, 1)
      : [];
    const sign = Math.sign(gradient[most]!) || 0;
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
