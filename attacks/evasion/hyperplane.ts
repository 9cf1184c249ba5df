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
  const n = point.length;
  const way = new Float64Array(n);
  const goal = Math.abs(height);
  if (goal === 0 || !Number.isFinite(goal)) return way;
  const down = Math.sign(height);
  const [low, high] = bounds;
  // How fast the plane falls with each number, and how far that can go.
  const slope = new Float64Array(n);
  const room = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const w = down * (normal[i] as number);
    const v = point[i] as number;
    if (w > 0) {
      slope[i] = w;
      room[i] = Math.max(0, v - low);
    } else if (w < 0) {
      slope[i] = -w;
      room[i] = Math.max(0, high - v);
    }
  }
  if (norm === "l1") steepestFirst(way, slope, room, goal);
  else together(way, slope, room, goal, norm);
  for (let i = 0; i < n; i++)
    if (down * (normal[i] as number) > 0) way[i] = -(way[i] as number);
  return way;
}

/** All numbers at one pace (Linf), or in proportion to their slopes (L2), each until its room is used up. */
function together(
  sizes: Float64Array,
  slope: Float64Array,
  room: Float64Array,
  goal: number,
  norm: "linf" | "l2",
): void {
  const even = norm === "linf";
  // The places that still move, compacted in place.
  const free = new Int32Array(slope.length);
  let count = 0;
  for (let i = 0; i < free.length; i++)
    if ((room[i] as number) > 0) free[count++] = i;
  let left = goal;
  while (count > 0) {
    let fall = 0;
    for (let k = 0; k < count; k++) {
      const i = free[k] as number;
      const falls = slope[i] as number;
      fall += even ? falls : falls * falls;
    }
    const time = left / fall;
    let still = 0;
    for (let k = 0; k < count; k++) {
      const i = free[k] as number;
      const size = even ? time : time * (slope[i] as number);
      if (size < (room[i] as number)) free[still++] = i;
      else {
        sizes[i] = room[i] as number;
        left -= (slope[i] as number) * (room[i] as number);
      }
    }
    if (still === count) {
      for (let k = 0; k < count; k++) {
        const i = free[k] as number;
        sizes[i] = even ? time : time * (slope[i] as number);
      }
      return;
    }
    count = still;
  }
}

/** One number after the other, where the plane falls fastest (L1). */
function steepestFirst(
  sizes: Float64Array,
  slope: Float64Array,
  room: Float64Array,
  goal: number,
): void {
  const order = Array.from(room.keys()).sort(
    (a, b) => (slope[b] as number) - (slope[a] as number) || a - b,
  );
  let left = goal;
  for (const i of order) {
    const falls = slope[i] as number;
    if (left <= 0 || falls === 0) break;
    const size = Math.min(room[i] as number, left / falls);
    sizes[i] = size;
    left -= size * falls;
  }
}
