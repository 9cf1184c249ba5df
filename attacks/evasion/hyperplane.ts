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
  bounds: readonly [number, number],
): Fill {
  const moves = {
    slope: new Float64Array(count),
    far: new Float64Array(count),
  };
  const even = norm === "linf" ? 1 : 0;
  return (way, point, normal, height) => {
    const goal = Math.abs(height);
    way.fill(0);
    if (goal === 0 || !Number.isFinite(goal)) return;
    const fall = findMoves(
      moves,
      point,
      normal,
      Math.sign(height),
      bounds,
      even,
    );
    if (norm === "l1") steepestFirst(way, moves, goal);
    else moveFor(timeUntil(goal, fall, moves, even), way, moves, normal, even);
  };
}

/** Longer than anything moves; times the slope of any number it is finite. */
const FOR_EVER = 2 ** 500;

/** What each number can do for the way. */
interface Moves {
  /** How fast the plane falls with it; 0 where it does not move, or no more. */
  readonly slope: Float64Array;
  /** How far it can go, with its sign; 0 where it does not move. */
  readonly far: Float64Array;
}

// These loops are functions of their own, and have no branches: together they are not
// compiled as well.

/** @returns how fast the plane falls while all of them move */
function findMoves(
  { slope, far }: Moves,
  point: Float32Array,
  normal: Float32Array,
  down: number,
  [low, high]: readonly [number, number],
  even: number,
): number {
  let fall = 0;
  for (let i = 0; i < slope.length; i++) {
    const w = down * normal[i]!;
    const falls = Number(w > 0);
    const room = falls * low + (1 - falls) * high - point[i]!;
    // Unless it is at its bound, or the plane does not fall with it.
    const moves = Number(w * room < 0);
    const size = moves * Math.abs(w);
    slope[i] = size;
    far[i] = moves * room;
    fall += size * (even + (1 - even) * size);
  }
  return fall;
}

/**
 * For how long the numbers move, all at one pace (Linf) or each in proportion to its
 * slope (L2), until it is at its bound; for ever where all of them are. Slopes of those
 * become 0.
 *
 * @param even 1 for one pace, or 0
 */
function timeUntil(
  goal: number,
  fall: number,
  { slope, far }: Moves,
  even: number,
): number {
  let left = goal;
  let falling = fall;
  let time = 0;
  while (falling > 0) {
    // It gets less by rounding alone.
    time = Math.max(time, left / falling);
    falling = 0;
    let arrived = 0;
    for (let i = 0; i < slope.length; i++) {
      const falls = slope[i]!;
      const room = Math.abs(far[i]!);
      const pace = even + (1 - even) * falls;
      const goesOn = Number(time * pace < room) * falls;
      slope[i] = goesOn;
      falling += goesOn * pace;
      left -= (falls - goesOn) * room;
      arrived += falls - goesOn;
    }
    if (arrived === 0) return time;
  }
  return FOR_EVER;
}

/** Where the numbers are after so long. */
function moveFor(
  time: number,
  way: Float64Array,
  { far }: Moves,
  normal: Float32Array,
  even: number,
): void {
  for (let i = 0; i < far.length; i++) {
    const most = far[i]!;
    const room = Math.abs(most);
    const size = time * (even + (1 - even) * Math.abs(normal[i]!));
    const inside = Number(size < room);
    way[i] = inside * size * signOf(most) + (1 - inside) * most;
  }
}

/** One number after the other, where the plane falls fastest (L1). */
function steepestFirst(
  way: Float64Array,
  { slope, far }: Moves,
  goal: number,
): void {
  // Those that move, first of all.
  const places = new Int32Array(slope.length);
  let moving = 0;
  for (let i = 0; i < slope.length; i++) {
    const falls = slope[i]!;
    places[moving] = i;
    slope[moving] = falls;
    moving += Number(falls > 0);
  }
  let left = goal;
  for (const k of largestFirst(slope, moving)) {
    if (left <= 0) return;
    const i = places[k]!;
    const size = Math.min(Math.abs(far[i]!), left / slope[k]!);
    way[i] = size * signOf(far[i]!);
    left -= size * slope[k]!;
  }
}
