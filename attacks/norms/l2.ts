import { clamped } from "./branchless.ts";
import { type Box, type NormGeometry, roomOf, scratch } from "./norm.ts";

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

const arrays = scratch();

/**
 * The factor of a direction that is as long as `size` once each number is cut to its
 * room, by growing from the one without bounds. The least that takes every number to
 * its bound where there is no room for more.
 *
 * The factor only grows, so what was cut once is looked at no more. Without branches:
 * no processor guesses which numbers are cut.
 */
function reaching(
  direction: Float64Array,
  size: number,
  { centre, bounds: [low, high] }: Box,
): number {
  const [pulls, rooms] = arrays(direction.length);
  let whole = 0;
  let free = 0;
  let moving = 0;
  for (let i = 0; i < direction.length; i++) {
    const way = direction[i]!;
    const room = roomOf(way, centre[i]!, low, high);
    const moves = Number(room > 0) * Number(way !== 0);
    pulls[moving] = Math.abs(way);
    rooms[moving] = room;
    whole += way * way;
    free += moves * way * way;
    moving += moves;
  }
  if (free === 0) return whole > 0 ? size / Math.sqrt(whole) : 0;
  let factor = 0;
  let left = size * size;
  for (;;) {
    const next = Math.sqrt(left / free);
    // Nor where nothing is free, or rounding took more than there was.
    if (!(next > factor && next < Infinity)) return factor;
    factor = next;
    free = 0;
    let still = 0;
    for (let k = 0; k < moving; k++) {
      const pull = pulls[k]!;
      const room = rooms[k]!;
      const inside = Number(pull * factor < room);
      pulls[still] = pull;
      rooms[still] = room;
      free += inside * pull * pull;
      left -= (1 - inside) * room * room;
      still += inside;
    }
    if (still === moving) return factor;
    moving = still;
  }
}

/** The Euclidean length of the change. */
export const l2: NormGeometry = {
  /**
   * Onto ball and bounds at once: the nearest point of both is the difference times a
   * factor, cut to the bounds.
   */
  shrink(delta, eps, box) {
    const whole = length(delta);
    if (whole <= eps) return;
    const factor = box ? Math.min(1, reaching(delta, eps, box)) : eps / whole;
    for (let i = 0; i < delta.length; i++) delta[i]! *= factor;
  },
  /** Along the gradient, and further where numbers are at their bounds. */
  step(gradient, size, box) {
    const factor = reaching(gradient, size, box);
    const most = HARDEST * size;
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = clamped(factor * gradient[i]!, -most, most);
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
