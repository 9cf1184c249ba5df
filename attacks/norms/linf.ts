import type { NormGeometry } from "./norm.ts";

/** The largest change of a number. */
export const linf: NormGeometry = {
  shrink(delta, eps) {
    for (let i = 0; i < delta.length; i++)
      delta[i] = Math.min(eps, Math.max(-eps, delta[i] as number));
  },
  direction(gradient) {
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = Math.sign(gradient[i] as number) || 0;
  },
  draw(delta, eps, random) {
    for (let i = 0; i < delta.length; i++)
      delta[i] = (2 * random.uniform() - 1) * eps;
  },
  length(delta) {
    let most = 0;
    for (let i = 0; i < delta.length; i++) {
      const size = Math.abs(delta[i] as number);
      // What is not a number is the length of the whole.
      if (Number.isNaN(size)) return size;
      if (size > most) most = size;
    }
    return most;
  },
};
