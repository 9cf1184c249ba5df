import type { Random } from "#core";
import { type FloatTensor, fresh, type Lent } from "#onnx";
import { objection, type Table } from "#tables";
import { clamped } from "./norms/branchless.ts";
import { type Norm, norms } from "./norms/index.ts";

/**
 * The geometry of a threat model: what is within eps of a sample and inside
 * the input bounds. All methods work on batches [N, ...shape], sample by
 * sample, and return new tensors.
 */
export interface Ball {
  readonly norm: Norm;
  /**
   * In the unit of the bounds; a count of numbers for l0; Infinity where the nearest
   * example is looked for.
   */
  readonly eps: number;
  readonly bounds: readonly [number, number];
  /** Whether the nearest example is looked for, rather than any within eps. */
  readonly nearest: boolean;
  /**
   * The nearest point of ball and bounds to each x, which is finite, around its centre.
   *
   * @param lent gives the array of the result, which may be that of x; a new one when
   *   left out
   */
  project(centre: FloatTensor, x: FloatTensor, lent?: Lent): FloatTensor;
  /**
   * x, which is inside the bounds, moved by the step of length `size` along which a
   * linear loss with this gradient rises most; along which it falls most where `size`
   * is negative. The length is that of the part inside the bounds. The point may be
   * beyond them, and is to be projected. A gradient that is not finite counts as 0.
   *
   * @param lent as of `project`
   */
  ascend(
    x: FloatTensor,
    gradient: FloatTensor,
    size: number,
    lent?: Lent,
  ): FloatTensor;
  /**
   * A uniformly random point of the ball around each centre, inside the bounds. One
   * generator a sample.
   */
  randomPoint(centre: FloatTensor, random: readonly Random[]): FloatTensor;
  /** The distance of each x from its centre. */
  distance(centre: FloatTensor, x: FloatTensor): Float64Array;
  /**
   * What rows there can be, where the samples are rows of a table. Only such rows
   * count. The geometry knows nothing of it.
   */
  readonly table?: Table;
  /** Of rows of a table: whether the attacker could make this one of its centre. */
  allows?(centre: FloatTensor, example: FloatTensor): boolean;
}

/**
 * The ball of a norm. "none" leaves the budget to the attack: everything inside the
 * bounds is allowed.
 *
 * @param eps in the unit of the bounds; a count of numbers for l0; Infinity where the
 *   nearest example is looked for
 * @param table what rows there can be, where the samples are rows of one
 * @example
 * ```ts
 * import { ballOf, floats } from "assay/units";
 *
 * const ball = ballOf("linf", 0.125, [0, 1]);
 * const clean = floats([1, 2], [0.5, 1]);
 * const inside = ball.project(clean, floats([1, 2], [0, 2]));
 * console.log(inside.data); // Float32Array(2) [ 0.375, 1 ]
 * console.log(ball.distance(clean, inside)); // Float64Array(1) [ 0.125 ]
 * ```
 */
export function ballOf(
  norm: Norm,
  eps: number,
  bounds: readonly [number, number],
  table?: Table,
): Ball {
  const { shrink, step, draw, length } = norms[norm];
  const [low, high] = bounds;
  // Differences are looked at one at a time, in one array.
  let kept = new Float64Array(0);
  const sized = (size: number): Float64Array => {
    if (kept.length !== size) kept = new Float64Array(size);
    return kept;
  };
  /** A loop: a mapped copy of a typed array takes twenty times as long. */
  const difference = (from: Float32Array, to: Float32Array): Float64Array => {
    const delta = sized(to.length);
    for (let i = 0; i < delta.length; i++) delta[i] = to[i]! - from[i]!;
    return delta;
  };
  return {
    norm,
    eps: norm === "none" ? Number.POSITIVE_INFINITY : eps,
    bounds,
    nearest: norm !== "none" && eps === Number.POSITIVE_INFINITY,
    table,
    allows: table
      ? (centre, { data }) => objection(table, centre.data, data) === null
      : undefined,
    project: (around, x, lent = fresh) =>
      perSample(x, lent, (from, to, out) => {
        const centre = around.data.subarray(from, to);
        const delta = difference(centre, x.data.subarray(from, to));
        shrink(delta, eps, { centre, bounds });
        for (let i = 0; i < delta.length; i++)
          out[from + i] = clamped(centre[i]! + delta[i]!, low, high);
      }),
    ascend: (x, gradient, size, lent = fresh) =>
      perSample(x, lent, (from, to, out) => {
        const moves = sized(to - from);
        const way = Math.sign(size);
        for (let i = 0; i < moves.length; i++) {
          const slope = gradient.data[from + i]!;
          moves[i] = Number.isFinite(slope) ? way * slope : 0;
        }
        const here = x.data.subarray(from, to);
        step(moves, Math.abs(size), { centre: here, bounds });
        for (let i = 0; i < moves.length; i++)
          out[from + i] = here[i]! + moves[i]!;
      }),
    randomPoint: (around, random) =>
      perSample(around, fresh, (from, to, out, sample) => {
        const delta = sized(to - from).fill(0);
        draw(delta, eps, random[sample]!);
        for (let i = 0; i < delta.length; i++)
          out[from + i] = clamped(
            around.data[from + i]! + delta[i]!,
            low,
            high,
          );
      }),
    distance(around, x) {
      const n = x.dims[0] ?? 0;
      const width = x.data.length / Math.max(1, n);
      return Float64Array.from({ length: n }, (_, s) =>
        length(
          difference(
            around.data.subarray(s * width, (s + 1) * width),
            x.data.subarray(s * width, (s + 1) * width),
          ),
        ),
      );
    },
  };
}

/** The ball of another size. All else is the same. */
export const resized = ({ norm, bounds, table }: Ball, eps: number): Ball =>
  ballOf(norm, eps, bounds, table);

function perSample(
  like: FloatTensor,
  lent: Lent,
  fill: (from: number, to: number, out: Float32Array, sample: number) => void,
): FloatTensor {
  const n = like.dims[0] ?? 0;
  const width = like.data.length / Math.max(1, n);
  const data = lent(like.data.length);
  for (let s = 0; s < n; s++) fill(s * width, (s + 1) * width, data, s);
  return { type: "float32", dims: like.dims, data };
}
