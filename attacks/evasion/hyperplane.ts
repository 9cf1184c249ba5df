import { signOf } from "../norms/branchless.ts";
import type { Norm } from "../norms/index.ts";
import { largestFirst } from "../norms/largest-first.ts";

/** Norms whose distance to a hyperplane is known. */
export type PlaneNorm = Extract<Norm, "linf" | "l2" | "l1">;

/**
 * The shortest way from a point to the hyperplane on which `normal` times the
 * point falls by `height`, inside the bounds (Croce and Hein 2020,
 * arXiv:1907.02044, section 2.2): exact, by fixing what reaches its bound. Where
 * the bounds do not reach the plane, the way as far as they go.
 *
 * @param height above the plane, in the unit of normal times point
 * @returns the difference to the point
 */
export function wayToPlane(
  point: Float32Array,
  normal: Float32Array,
  height: number,
  norm: PlaneNorm,
  bounds: readonly [number, number],
): Float64Array {
  const way = new Float64Array(point.length);
  waysToPlanes(point.length, norm, bounds)(way, point, normal, height);
  return way;
}

/** Fills `way` as `wayToPlane` does. */
type Fill = (
  way: Float64Array,
  point: Float32Array,
  normal: Float32Array,
  height: number,
) => void;

/** The same for many points of so many numbers, without arrays for each. */
export function waysToPlanes(
  count: number,
  norm: PlaneNorm,
  [low, high]: readonly [number, number],
): Fill {
  const movable: Movable = {
    place: new Int32Array(count),
    slope: new Float64Array(count),
    most: new Float64Array(count),
  };
  const { place, slope, most } = movable;
  return (way, point, normal, height) => {
    way.fill(0);
    const goal = Math.abs(height);
    if (goal === 0 || !Number.isFinite(goal)) return;
    const down = Math.sign(height);
    let movables = 0;
    for (let i = 0; i < count; i++) {
      const w = down * normal[i]!;
      const falls = Number(w > 0);
      const far = falls * low + (1 - falls) * high - point[i]!;
      place[movables] = i;
      slope[movables] = Math.abs(w);
      most[movables] = far;
      // Unless it is at its bound, or the plane does not fall with it.
      movables += Number(w * far < 0);
    }
    if (norm === "l1") steepestFirst(way, movable, movables, goal);
    else together(way, movable, movables, goal, norm === "linf");
  };
}

/** The numbers with which the plane falls, and that are not at their bounds. */
interface Movable {
  readonly place: Int32Array;
  /** How fast the plane falls with each, above 0. */
  readonly slope: Float64Array;
  /** How far each can go, with its sign. */
  readonly most: Float64Array;
}

/**
 * All numbers at one pace (Linf), or in proportion to their slopes (L2), each until it
 * is at its bound.
 */
function together(
  way: Float64Array,
  { place, slope, most }: Movable,
  movables: number,
  goal: number,
  even: boolean,
): void {
  let left = goal;
  let fall = 0;
  for (let k = 0; k < movables; k++) {
    const falls = slope[k]!;
    fall += falls * (even ? 1 : falls);
  }
  for (let count = movables; count > 0; ) {
    const time = left / fall;
    // Those that still move are compacted in place, and summed for the next round.
    let still = 0;
    fall = 0;
    for (let k = 0; k < count; k++) {
      const falls = slope[k]!;
      const far = most[k]!;
      const room = Math.abs(far);
      const pace = even ? 1 : falls;
      if (time * pace < room) {
        place[still] = place[k]!;
        slope[still] = falls;
        most[still] = far;
        fall += falls * pace;
        still++;
      } else {
        way[place[k]!] = far;
        left -= falls * room;
      }
    }
    if (still === count) {
      for (let k = 0; k < count; k++) {
        const size = time * (even ? 1 : slope[k]!);
        way[place[k]!] = size * signOf(most[k]!);
      }
      return;
    }
    count = still;
  }
}

/** One number after the other, where the plane falls fastest (L1). */
function steepestFirst(
  way: Float64Array,
  { place, slope, most }: Movable,
  movables: number,
  goal: number,
): void {
  let left = goal;
  for (const k of largestFirst(slope, movables)) {
    if (left <= 0) return;
    const falls = slope[k]!;
    const far = most[k]!;
    const size = Math.min(Math.abs(far), left / falls);
    way[place[k]!] = far > 0 ? size : -size;
    left -= size * falls;
  }
}
