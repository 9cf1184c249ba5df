import { largestFirst } from "./largest-first.ts";
import { type NormGeometry, roomAlong } from "./norm.ts";

/** How many numbers change at all. */
export const l0: NormGeometry = {
  shrink(delta, eps, box) {
    // Of the numbers that may change, those whose change brings the point nearest,
    // as far as the bounds let them.
    const room = box && roomAlong(delta, box);
    const gain = new Float64Array(delta.length);
    for (let i = 0; i < delta.length; i++) {
      const wanted = Math.abs(delta[i]!);
      const allowed = Math.min(wanted, room ? room[i]! : Infinity);
      gain[i] = wanted ** 2 - (wanted - allowed) ** 2;
      delta[i] = Math.sign(delta[i]!) * allowed;
    }
    let kept = 0;
    for (const i of largestFirst(gain)) if (++kept > eps) delta[i] = 0;
  },
  /** The one number that a loss rises most by. */
  step(gradient, size, box) {
    const room = roomAlong(gradient, box);
    const rise = gradient.map((g, i) => Math.abs(g) * Math.min(size, room[i]!));
    const [most = 0] = largestFirst(rise);
    const sign = Math.sign(gradient[most]!);
    gradient.fill(0);
    gradient[most] = size * sign;
  },
  // The bounds cut what is drawn to any value that they allow.
  draw(delta, eps, random) {
    delta.fill(0);
    const places = random.permutation(delta.length).slice(0, Math.floor(eps));
    for (const i of places) delta[i] = 2 * random.uniform() - 1;
  },
  length: (delta) => delta.reduce((count, d) => count + (d === 0 ? 0 : 1), 0),
};
