import type { Norm } from "../norms/index.ts";

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
  const down = Math.sign(height);
  const goal = Math.abs(height);
  if (goal === 0 || !Number.isFinite(goal)) return way;
  const room = roomOf(point, normal, down, bounds);
  const sizes =
    norm === "l1"
      ? steepestFirst(normal, room, goal)
      : together(normal, room, goal, norm);
  for (let i = 0; i < way.length; i++)
    way[i] = -down * Math.sign(normal[i] as number) * (sizes[i] as number);
  return way;
}

/** How far each number can go. */
function roomOf(
  point: Float32Array,
  normal: Float32Array,
  down: number,
  [low, high]: readonly [number, number],
): Float64Array {
  const room = new Float64Array(point.length);
  for (let i = 0; i < room.length; i++) {
    const [w, v] = [down * (normal[i] as number), point[i] as number];
    room[i] = w === 0 ? 0 : Math.max(0, w > 0 ? v - low : high - v);
  }
  return room;
}

/** All numbers at one pace (Linf), or in proportion to the normal (L2), each until its room is used up. */
function together(
  normal: Float32Array,
  room: Float64Array,
  goal: number,
  norm: "linf" | "l2",
): Float64Array {
  const n = room.length;
  const sizes = new Float64Array(n);
  const pace = (i: number) => (norm === "linf" ? 1 : steep(normal, i));
  let free: number[] = [];
  for (let i = 0; i < n; i++) if ((room[i] as number) > 0) free.push(i);
  let left = goal;
  while (free.length > 0) {
    const fall = free.reduce((sum, i) => sum + steep(normal, i) * pace(i), 0);
    const time = left / fall;
    const still: number[] = [];
    for (const i of free) {
      if (time * pace(i) < (room[i] as number)) still.push(i);
      else {
        sizes[i] = room[i] as number;
        left -= steep(normal, i) * (room[i] as number);
      }
    }
    if (still.length === free.length) {
      for (const i of free) sizes[i] = time * pace(i);
      break;
    }
    free = still;
  }
  return sizes;
}

/** One number after the other, where the plane falls fastest (L1). */
function steepestFirst(
  normal: Float32Array,
  room: Float64Array,
  goal: number,
): Float64Array {
  const sizes = new Float64Array(room.length);
  const order = Array.from(room.keys()).sort(
    (a, b) => steep(normal, b) - steep(normal, a) || a - b,
  );
  let left = goal;
  for (const i of order) {
    const slope = steep(normal, i);
    if (left <= 0 || slope === 0) break;
    const size = Math.min(room[i] as number, left / slope);
    sizes[i] = size;
    left -= size * slope;
  }
  return sizes;
}

const steep = (normal: Float32Array, i: number) =>
  Math.abs(normal[i] as number);
