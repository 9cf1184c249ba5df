import type { NormGeometry } from "./norm.ts";

/** No measure: the attack states its own budget, and only the bounds hold. */
export const none: NormGeometry = {
  shrink() {},
  step(gradient) {
    gradient.fill(0);
  },
  draw(delta) {
    delta.fill(0);
  },
  length: () => 0,
};
