import { clamped, signOf } from "./branchless.ts";
import { largestFirst } from "./largest-first.ts";
import {
  type NormGeometry,
  roomAlong,
  roomOf,
  scratch,
  unbounded,
} from "./norm.ts";

function length(v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += Math.abs(v[i]!);
  return sum;
}

/** Share of the numbers that a step moves (Tramèr and Boneh 2019, arXiv:1904.13000). */
const SPARSITY = 0.01;

/**
 * How near a projection comes to the radius, and after how many rounds it
 * takes what is inside.
 */
const [CLOSE, ROUNDS] = [1e-12, 100];

/**
 * How far each number goes at most, if all together are to go so far; the largest room
 * where there is not enough.
 */
function partOf(size: number, rooms: Float64Array): number {
  let part = size / Math.max(1, rooms.length);
  for (;;) {
    let cut = 0;
    let free = 0;
    for (const room of rooms) {
      if (part >= room) cut += room;
      else free++;
    }
    const next = free > 0 ? (size - cut) / free : part;
    if (!(next > part)) return part;
    part = next;
  }
}

const arrays = scratch();

/**
 * What all numbers lose alike, so that what rooms let stand adds up to the limit, by
 * Newton's method between two bounds. What both bounds say the same of is looked at no
 * more. Without branches: no processor guesses which numbers move.
 *
 * @param sizes of the numbers; overwritten, as rooms are
 * @param total what rooms let stand of the sizes, above the limit
 * @param largest of the sizes
 */
function shortenedBy(
  sizes: Float64Array,
  rooms: Float64Array,
  count: number,
  { total, largest }: { total: number; largest: number },
  limit: number,
): number {
  let below = 0;
  let above = largest;
  let less = (total - limit) / count;
  let full = 0;
  let active = count;
  for (let round = 0; round < ROUNDS; round++) {
    let excess = full - limit;
    let moving = 0;
    let open = 0;
    for (let k = 0; k < active; k++) {
      const size = sizes[k]!;
      const room = rooms[k]!;
      const left = size - less;
      const isFull = Number(left >= room);
      const moves = (1 - isFull) * Number(left > 0);
      excess += isFull * room + moves * left;
      moving += moves;
      const staysFull = Number(size - above >= room);
      full += staysFull * room;
      sizes[open] = size;
      rooms[open] = room;
      open += (1 - staysFull) * Number(size > below);
    }
    if (Math.abs(excess) <= CLOSE * limit) return less;
    if (excess > 0) below = less;
    else above = less;
    const next = less + excess / moving;
    less = next > below && next < above ? next : (below + above) / 2;
    active = open;
  }
  return above;
}

/** The sum of the absolute changes. */
export const l1: NormGeometry = {
  /**
   * Onto ball and bounds at once (Croce and Hein 2021, arXiv:2103.01208,
   * proposition 2.1).
   */
  shrink(delta, eps, box) {
    const count = delta.length;
    const { centre, bounds } = box ?? unbounded(count);
    const [low, high] = bounds;
    // Every number that moves is rounded to float32 in the end, and the
    // sum feels them all.
    const most = Math.max(1, Math.abs(low), Math.abs(high));
    const limit = box ? Math.max(0, eps - count * most * 2 ** -25) : eps;
    const [sizes, rooms] = arrays(count);
    let total = 0;
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const size = Math.abs(delta[i]!);
      const room = roomOf(delta[i]!, centre[i]!, low, high);
      sizes[i] = size;
      rooms[i] = room;
      total += Math.min(size, room);
      largest = Math.max(largest, size);
    }
    const less =
      total > limit
        ? shortenedBy(sizes, rooms, count, { total, largest }, limit)
        : 0;
    for (let i = 0; i < count; i++) {
      const way = delta[i]!;
      const room = roomOf(way, centre[i]!, low, high);
      delta[i] = signOf(way) * clamped(Math.abs(way) - less, 0, room);
    }
  },
  /**
   * The largest hundredth of the gradient that bounds let move, in equal parts. No
   * number goes further than such a part, unless too few can move at all.
   */
  step(gradient, size, box) {
    const room = roomAlong(gradient, box);
    const pulls = gradient.map((g, i) => (room[i] === 0 ? 0 : Math.abs(g)));
    const rooms = room.filter((_, i) => pulls[i]! > 0);
    const few = Math.min(Math.floor(SPARSITY * pulls.length), rooms.length);
    const part = Math.max(size / Math.max(1, few), partOf(size, rooms));
    const most = gradient.reduce((a, g) => Math.max(a, Math.abs(g)), 0);
    // Of those that come to their bounds the stronger pushes on harder, so that a
    // projection does not take from them alike.
    const pushing = (pull: number) => part * (1 + pull / most);
    let left = size;
    let least = Infinity;
    const step = new Float64Array(pulls.length);
    for (const i of largestFirst(pulls)) {
      if (left <= 0 || pulls[i] === 0) break;
      const goes = Math.min(part, room[i]!, left);
      step[i] = goes < room[i]! ? goes : pushing(pulls[i]!);
      left -= goes;
      least = pulls[i]!;
    }
    for (let i = 0; i < step.length; i++) {
      const slope = gradient[i]!;
      const pull = Math.abs(slope);
      if (room[i] === 0 && pull >= least) step[i] = pushing(pull);
      gradient[i] = Math.sign(slope) * step[i]!;
    }
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
