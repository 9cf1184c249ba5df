import { z } from "zod";
import {
  copyOf,
  type FloatTensor,
  type Lent,
  reused,
  sizeOf,
  takeRows,
} from "#onnx";
import type { AttackInput } from "../attack.ts";
import { clamped } from "../norms/branchless.ts";
import { norms } from "../norms/index.ts";
import { type PlaneNorm, waysToPlanes } from "./hyperplane.ts";
import type { Rivals } from "./rivals.ts";
import { dot, groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 256;

/** The parameters of FAB. The defaults are the paper's, with AutoAttack's steps. */
export const fabParams = z.strictObject({
  steps: z.int().positive().default(100).describe("steps of each restart"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("starts, each from another random point"),
  alphaMax: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .describe("the most weight that the way from the sample itself gets"),
  eta: z
    .number()
    .min(1)
    .default(1.05)
    .describe("how far a step overshoots the boundary"),
  beta: z
    .number()
    .positive()
    .lt(1)
    .default(0.9)
    .describe("what is kept of the difference when an example was found"),
});

export type FabParams = z.output<typeof fabParams>;

/**
 * The steps of FAB from one start: towards the nearest linearised boundary to
 * one of the rivals, between the nearest points of it to where the sample is and
 * to where it was, and back towards it whenever an example was found.
 *
 * @param purpose names the draws of a random start; from the sample
 *   itself when left out
 */
export async function fabWalk(
  input: AttackInput<FabParams>,
  rivals: Rivals,
  purpose: string | undefined,
  onProgress: (share: number) => void,
): Promise<void> {
  const { target, x, y, params } = input;
  const tries =
    purpose === undefined ? copyOf(x) : randomStarts(input, purpose);
  const count = Math.max(0, ...[...rivals.values()].map((all) => all.length));
  const walking = new Set(rivals.keys());
  const ways = waysOf(input);
  const lent = reused();
  for (let step = 0; step < params.steps; step++) {
    onProgress(step / params.steps);
    const open = target.open(count + 1).filter((i) => walking.has(i));
    if (open.length === 0 || count === 0) return;
    for (const group of groupsOf(open, Math.max(1, Math.floor(ROWS / count))))
      await advance(input, rivals, tries, walking, ways, group, lent);
    const asked = open.filter((i) => walking.has(i));
    if (asked.length === 0) return;
    const predicted = await target.predict(takeRows(tries, asked, lent), asked);
    asked.forEach((sample, place) => {
      if (predicted[place] === y[sample]) return;
      const [point, centre] = [rowOf(tries, sample), rowOf(x, sample)];
      for (let k = 0; k < point.length; k++) {
        const from = centre[k]!;
        point[k] = from + params.beta * (point[k]! - from);
      }
    });
  }
}

const dual = { linf: "l1", l2: "l2", l1: "linf" } as const;

/** Arithmetic of single samples, with arrays that serve all of them. */
interface Ways {
  /**
   * How long a gradient is, in the norm dual to the one that distances are measured in.
   */
  slopeOf(gradient: Float32Array): number;
  /**
   * Moves a point between the nearest points of a plane to where it is and to where it
   * was, and a little beyond.
   */
  step(
    point: Float32Array,
    centre: Float32Array,
    normal: Float32Array,
    height: number,
  ): void;
}

function waysOf({ x, ball, params }: AttackInput<FabParams>): Ways {
  const norm = ball.norm as PlaneNorm;
  const { length } = norms[norm];
  const [low, high] = ball.bounds;
  const { eta, alphaMax } = params;
  const count = sizeOf(x.dims.slice(1));
  const find = waysToPlanes(count, norm, ball.bounds);
  const [slopes, here, there] = [0, 1, 2].map(
    () => new Float64Array(count),
  ) as [Float64Array, Float64Array, Float64Array];
  return {
    slopeOf(gradient) {
      slopes.set(gradient);
      return norms[dual[norm]].length(slopes);
    },
    step(point, centre, normal, height) {
      const above = height + dot(normal, centre) - dot(normal, point);
      find(here, point, normal, height);
      find(there, centre, normal, above);
      const a = Math.max(length(here), 1e-8);
      const b = Math.max(length(there), 1e-8);
      const alpha = Math.min(a / (a + b), alphaMax);
      for (let k = 0; k < count; k++) {
        const near = point[k]! + eta * here[k]!;
        const origin = centre[k]! + eta * there[k]!;
        const moved = (1 - alpha) * near + alpha * origin;
        point[k] = clamped(moved, low, high);
      }
    },
  };
}

/** One step of some samples. */
async function advance(
  { target, x }: AttackInput<FabParams>,
  rivals: Rivals,
  tries: FloatTensor,
  walking: Set<number>,
  { slopeOf, step }: Ways,
  group: readonly number[],
  lent: Lent,
): Promise<void> {
  const aims = group.flatMap((i) => rivals.get(i) ?? []);
  const samples = group.flatMap((i) => (rivals.get(i) ?? []).map(() => i));
  const { loss, gradient } = await target.lossGradient(
    takeRows(tries, samples, lent),
    samples,
    { loss: "difference", aims },
  );
  let row = 0;
  // What takes long is no part of this function: it would not be compiled as well.
  for (const sample of group) {
    const rows = (rivals.get(sample) ?? []).map(() => row++);
    const nearest = nearestOf(loss, gradient, rows, slopeOf);
    if (nearest === undefined) {
      walking.delete(sample);
      continue;
    }
    step(
      rowOf(tries, sample),
      rowOf(x, sample),
      rowOf(gradient, nearest),
      loss[nearest]!,
    );
  }
}

/**
 * The row whose linearised boundary is nearest; none where no gradient
 * says where one is.
 */
function nearestOf(
  loss: Float32Array,
  gradient: FloatTensor,
  rows: readonly number[],
  slopeOf: Ways["slopeOf"],
): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const slope = slopeOf(rowOf(gradient, row));
    const distance = Math.abs(loss[row]!) / slope;
    if (!(slope > 0 && slope < Infinity && distance < least)) continue;
    least = distance;
    best = row;
  }
  return best;
}

/** Random points at half of eps, or of the nearest example so far. */
function randomStarts(
  { target, x, ball, random }: AttackInput<FabParams>,
  purpose: string,
): FloatTensor {
  const tries = copyOf(x);
  const [low, high] = ball.bounds;
  for (const sample of target.open()) {
    const stream = random[sample]!.fork(purpose);
    const point = rowOf(tries, sample);
    const delta = Float64Array.from(point, () =>
      ball.norm === "linf" ? 2 * stream.uniform() - 1 : stream.normal(),
    );
    const corner = Float64Array.from(point, (v) => Math.max(v - low, high - v));
    const { length } = norms[ball.norm];
    const radius = Math.min(
      target.distances[sample]!,
      ball.eps,
      length(corner),
    );
    const scale = radius / 2 / length(delta);
    for (let k = 0; k < point.length; k++) {
      const moved = point[k]! + scale * delta[k]!;
      point[k] = Math.min(high, Math.max(low, moved));
    }
  }
  return tries;
}
