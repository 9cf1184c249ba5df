import { clamped, signOf } from "./branchless.ts";
import type { NormGeometry } from "./norm.ts";

/** The largest change of a number. */
export const linf: NormGeometry = {
  shrink(delta, eps) {
    if (eps === Number.POSITIVE_INFINITY) return;
    for (let i = 0; i < delta.length; i++)
      delta[i] = clamped(delta[i]!, -eps, eps);
  },
  // Every number has a budget of its own: clipping takes nothing from the others.
  step(gradient, size) {
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = size * signOf(gradient[i]!);
  },
  draw(delta, eps, random) {
    for (let i = 0; i < delta.length; i++)
      delta[i] = (2 * random.uniform() - 1) * eps;
  },
  length(delta) {
    let most = 0;
    for (let i = 0; i < delta.length; i++) {
      const size = Math.abs(delta[i]!);
      // What is not a number is the length of the whole.
      if (Number.isNaN(size)) return size;
      if (size > most) most = size;
    }
    return most;
  },
};
