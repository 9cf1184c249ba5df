import type { Random } from "#core";

/** The objectives of one individual; smaller is better. */
type Objectives = ArrayLike<number>;

/** What a population remembers of its objectives. */
export interface Memory {
  ideal: number[];
  worst: number[];
  /** One point for each objective: the best found along its axis. */
  extremes: number[][];
}

export const freshMemory = (): Memory => ({
  ideal: [],
  worst: [],
  extremes: [],
});

/**
 * The directions of Das and Dennis (1998) for three objectives, as many as there are at
 * most `count` of: points of a triangular grid.
 */
export function directionsOf(count: number): number[][] {
  let parts = 1;
  while (((parts + 2) * (parts + 3)) / 2 <= count) parts++;
  const points: number[][] = [];
  for (let a = 0; a <= parts; a++)
    for (let b = 0; a + b <= parts; b++)
      points.push([a / parts, b / parts, (parts - a - b) / parts]);
  return points;
}

/**
 * The individuals that survive, by NSGA-III (Deb and Jain 2014,
 * doi:10.1109/TEVC.2013.2281535): whole fronts of non-dominated ones, and of
 * the front that does not fit those along the directions with the fewest.
 */
export function survivors(
  all: readonly Objectives[],
  count: number,
  directions: readonly (readonly number[])[],
  memory: Memory,
  random: Random,
): number[] {
  const fronts = frontsOf(all);
  remember(memory, all, fronts[0]!);
  const chosen: number[] = [];
  let last: number[] = [];
  for (const front of fronts) {
    if (chosen.length + front.length > count) {
      last = front;
      break;
    }
    chosen.push(...front);
    if (chosen.length === count) return chosen;
  }
  const nadir = nadirOf(memory, all, fronts[0]!);
  const place = (i: number) =>
    nicheOf(all[i]!, directions, memory.ideal, nadir);
  const held = new Int32Array(directions.length);
  for (const i of chosen) held[place(i).direction]!++;
  const waiting = new Map<number, { i: number; distance: number }[]>();
  for (const i of last) {
    const { direction, distance } = place(i);
    waiting.set(direction, [
      ...(waiting.get(direction) ?? []),
      { i, distance },
    ]);
  }
  while (chosen.length < count) {
    const fewest = Math.min(...[...waiting.keys()].map((d) => held[d]!));
    const candidates = [...waiting.keys()].filter((d) => held[d] === fewest);
    const direction = candidates[random.below(candidates.length)]!;
    const group = waiting.get(direction) as { i: number; distance: number }[];
    const pick =
      fewest === 0
        ? group.reduce(
            (best, one, k) =>
              one.distance < (group[best]?.distance as number) ? k : best,
            0,
          )
        : random.below(group.length);
    chosen.push((group[pick] as { i: number }).i);
    group.splice(pick, 1);
    if (group.length === 0) waiting.delete(direction);
    held[direction]!++;
  }
  return chosen;
}

/** Groups such that each is dominated only by those before it. */
function frontsOf(all: readonly Objectives[]): number[][] {
  const beaten = new Int32Array(all.length);
  const beats: number[][] = all.map(() => []);
  for (let i = 0; i < all.length; i++)
    for (let j = i + 1; j < all.length; j++) {
      const order = dominance(all[i]!, all[j]!);
      if (order === 0) continue;
      const [winner, loser] = order < 0 ? [i, j] : [j, i];
      beats[winner]?.push(loser);
      beaten[loser]!++;
    }
  const fronts: number[][] = [];
  let front = [...all.keys()].filter((i) => beaten[i] === 0);
  while (front.length > 0) {
    fronts.push(front);
    const next: number[] = [];
    for (const i of front)
      for (const j of beats[i]!) if (--beaten[j]! === 0) next.push(j);
    front = next.sort((a, b) => a - b);
  }
  return fronts;
}

/** Negative where a dominates b, positive where b dominates a. */
function dominance(a: Objectives, b: Objectives): number {
  let better = false;
  let worse = false;
  for (let k = 0; k < a.length; k++) {
    if (a[k]! < b[k]!) better = true;
    else if (a[k]! > b[k]!) worse = true;
  }
  return better === worse ? 0 : better ? -1 : 1;
}

function remember(
  memory: Memory,
  all: readonly Objectives[],
  front: readonly number[],
): void {
  const size = all[0]?.length ?? 0;
  const column = (k: number) => all.map((f) => f[k]!);
  const axes = Array.from({ length: size }, (_, k) => k);
  memory.ideal = axes.map((k) =>
    Math.min(memory.ideal[k] ?? Number.POSITIVE_INFINITY, ...column(k)),
  );
  memory.worst = axes.map((k) =>
    Math.max(memory.worst[k] ?? Number.NEGATIVE_INFINITY, ...column(k)),
  );
  const points = [...memory.extremes, ...front.map((i) => Array.from(all[i]!))];
  memory.extremes = axes.map((axis) => {
    const reach = (point: readonly number[]) =>
      Math.max(
        ...point.map((v, k) => (v - memory.ideal[k]!) * (k === axis ? 1 : 1e6)),
      );
    return points.reduce((best, one) =>
      reach(one) < reach(best) ? one : best,
    );
  });
}

/**
 * Where the plane through the extreme points meets the axes; the worst of the first
 * front where there is none.
 */
function nadirOf(
  { ideal, worst, extremes }: Memory,
  all: readonly Objectives[],
  front: readonly number[],
): number[] {
  const plane = solve(
    extremes.map((point) => point.map((v, k) => v - ideal[k]!)),
  );
  const nadir = plane?.map((v, k) => ideal[k]! + 1 / v);
  const usable = nadir?.every(
    (v, k) =>
      Number.isFinite(v) && v - ideal[k]! > 1e-6 && v <= worst[k]! + 1e-6,
  );
  if (nadir && usable) return nadir;
  return ideal.map((low, k) => {
    const most = Math.max(...front.map((i) => all[i]?.[k] as number));
    if (most - low > 1e-6) return most;
    const any = worst[k]!;
    return any - low > 1e-6 ? any : low + 1;
  });
}

/** The x with a x = (1, 1, ...), by Gauss with pivots; null where there is none. */
function solve(a: readonly (readonly number[])[]): number[] | null {
  const rows = a.map((row) => [...row, 1]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows
      .slice(k)
      .reduce(
        (best, row, i) =>
          Math.abs(row[k]!) > Math.abs(rows[best]?.[k] as number)
            ? k + i
            : best,
        k,
      );
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    const lead = rows[k]!;
    if (Math.abs(lead[k]!) < 1e-12) return null;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const row = rows[i]!;
      const factor = row[k]! / lead[k]!;
      for (let j = k; j <= n; j++) row[j] = row[j]! - factor * lead[j]!;
    }
  }
  return rows.map((row, k) => row[n]! / row[k]!);
}

/** The direction whose ray passes nearest to a normalised point, and how near. */
function nicheOf(
  point: Objectives,
  directions: readonly (readonly number[])[],
  ideal: readonly number[],
  nadir: readonly number[],
): { direction: number; distance: number } {
  const unit = ideal.map((low, k) => (point[k]! - low) / (nadir[k]! - low));
  let direction = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (const [d, ray] of directions.entries()) {
    let along = 0;
    let square = 0;
    for (let k = 0; k < ray.length; k++) {
      along += unit[k]! * ray[k]!;
      square += ray[k]! ** 2;
    }
    let off = 0;
    for (let k = 0; k < ray.length; k++)
      off += (unit[k]! - (along / square) * ray[k]!) ** 2;
    if (off < distance) {
      distance = off;
      direction = d;
    }
  }
  return { direction, distance };
}
