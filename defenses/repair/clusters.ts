import type { Random } from "#core";
import { type FloatTensor, rows } from "#onnx";

const RESTARTS = 10;
const ROUNDS = 100;

/**
 * The most samples that a silhouette is taken over: it compares every one
 * with every other.
 */
const COMPARED = 2000;

const point = (x: FloatTensor, i: number): Float32Array =>
  (rows(x, i, i + 1) as FloatTensor).data;

const squareBetween = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return sum;
};

/**
 * Splits points [N, width] in two by k-means (Lloyd, from two points drawn as
 * k-means++ does); of ten starts the one of the least squares.
 *
 * @returns for each point 0 or 1
 */
export function twoMeans(x: FloatTensor, random: Random): number[] {
  let best = { squares: Number.POSITIVE_INFINITY, side: [] as number[] };
  for (let start = 0; start < RESTARTS; start++) {
    const found = split(x, random.fork(start));
    if (found.squares < best.squares) best = found;
  }
  return best.side;
}

function split(x: FloatTensor, random: Random) {
  const n = x.dims[0] ?? 0;
  const all = Array.from({ length: n }, (_, i) => point(x, i));
  const first = all[random.below(n)]!;
  const second =
    all[
      drawn(
        all.map((p) => squareBetween(p, first)),
        random,
      )
    ]!;
  let centres: Float64Array[] = [first, second].map((c) =>
    Float64Array.from(c),
  );
  let side: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const next = all.map((p) =>
      squareBetween(p, centres[1]!) < squareBetween(p, centres[0]!) ? 1 : 0,
    );
    if (next.every((s, i) => s === side[i])) break;
    side = next;
    centres = centres.map((old, s) => meanOf(all, side, s) ?? old);
  }
  const squares = all.reduce(
    (sum, p, i) => sum + squareBetween(p, centres[side[i]!]!),
    0,
  );
  return { squares, side };
}

/** An index drawn by weight; the first where all weigh nothing. */
function drawn(weights: readonly number[], random: Random): number {
  let left = random.uniform() * weights.reduce((sum, w) => sum + w, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return i;
  }
  return 0;
}

function meanOf(
  all: readonly Float32Array[],
  side: readonly number[],
  of: number,
): Float64Array | undefined {
  const members = all.filter((_, i) => side[i] === of);
  const width = members[0]?.length;
  if (width === undefined) return undefined;
  const mean = new Float64Array(width);
  for (const p of members)
    for (let k = 0; k < width; k++) mean[k]! += p[k]! / members.length;
  return mean;
}

/**
 * The mean silhouette of two clusters (Rousseeuw 1987), in [-1, 1]: how much nearer a
 * point is to its own than to the other, by mean distance. Of many points the
 * first are compared, as many of each cluster as its share.
 */
export function silhouette(x: FloatTensor, side: readonly number[]): number {
  const n = side.length;
  const step = Math.max(1, n / COMPARED);
  const ordered = [0, 1].flatMap((s) =>
    [...side.keys()].filter((i) => side[i] === s),
  );
  const taken = Array.from(
    { length: Math.floor(n / step) },
    (_, i) => ordered[Math.floor(i * step)]!,
  );
  const points = new Map(taken.map((i) => [i, point(x, i)]));
  const counts = [0, 1].map((s) => taken.filter((i) => side[i] === s).length);
  if (counts.includes(0)) return 0;
  const values = taken.map((i) => {
    const own = side[i]!;
    const sums = [0, 0];
    for (const j of taken)
      sums[side[j]!]! += Math.sqrt(
        squareBetween(
          points.get(i) as Float32Array,
          points.get(j) as Float32Array,
        ),
      );
    // A point alone has no others of its own. Its silhouette is 0.
    if (counts[own] === 1) return 0;
    const within = sums[own]! / (counts[own]! - 1);
    const across = sums[1 - own]! / counts[1 - own]!;
    return (across - within) / (Math.max(across, within) || 1);
  });
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
