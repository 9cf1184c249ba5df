import { type NormGeometry, roomAlong } from "./norm.ts";

function length(v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += v[i]! ** 2;
  return Math.sqrt(sum);
}

/**
 * No number pushes harder against its bound than so many steps, so that
 * float32 holds it.
 */
const HARDEST = 1e6;

/**
 * The factor of a direction that is as long as `size` once each number is cut to its
 * room, by growing from the one without bounds. The least that takes every number to
 * its bound where there is no room for more.
 */
function reaching(
  direction: Float64Array,
  size: number,
  room: Float64Array,
): number {
  const whole = length(direction);
  if (whole === 0) return 0;
  let factor = size / whole;
  for (;;) {
    let cut = 0;
    let free = 0;
    for (let i = 0; i < direction.length; i++) {
      const pull = Math.abs(direction[i]!);
      if (pull * factor >= room[i]!) cut += room[i]! ** 2;
      else free += pull ** 2;
    }
    const next = free > 0 ? Math.sqrt((size ** 2 - cut) / free) : factor;
    if (!(next > factor)) return factor;
    factor = next;
  }
}

/** The Euclidean length of the change. */
export const l2: NormGeometry = {
  /**
   * Onto ball and bounds at once: the nearest point of both is the difference times a
   * factor, cut to the bounds.
   */
  shrink(delta, eps, box) {
    if (length(delta) <= eps) return;
    const factor = Math.min(1, reaching(delta, eps, roomAlong(delta, box)));
    for (let i = 0; i < delta.length; i++) delta[i]! *= factor;
  },
  /** Along the gradient, and further where numbers are at their bounds. */
  step(gradient, size, box) {
    const factor = reaching(gradient, size, roomAlong(gradient, box));
    const most = HARDEST * size;
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = Math.min(most, Math.max(-most, factor * gradient[i]!));
  },
  // A normal vector has a uniform direction. The d-th root makes the radius
  // uniform in volume.
  draw(delta, eps, random) {
    for (let i = 0; i < delta.length; i++) delta[i] = random.normal();
    const radius = eps * random.uniform() ** (1 / delta.length);
    const size = length(delta) || 1;
    for (let i = 0; i < delta.length; i++) delta[i]! *= radius / size;
  },
  length,
};
