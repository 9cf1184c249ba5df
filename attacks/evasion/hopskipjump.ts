import { z } from "zod";
import type { Random } from "#core";
import { sizeOf } from "#onnx";
import { defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import {
  areBroken,
  distanceOf,
  type Ground,
  manyBroken,
  noisyStarts,
  toBoundary,
} from "./boundary-search.ts";
import { gathered } from "./points.ts";
import { lengthOf, rowOf } from "./vectors.ts";

const hopskipjumpParams = z.strictObject({
  iterations: z.int().positive().default(50),
  /**
   * Points about which the first direction is estimated; more by the square root
   * of the iteration.
   */
  initialEvals: z.int().positive().default(100),
  maxEvals: z.int().positive().default(10_000),
  /** Scales the tolerance of the bisection. */
  gamma: z.number().positive().default(1),
  /** The most draws of noise for the first misclassified point. */
  initialTries: z.int().positive().default(100),
});

/**
 * HopSkipJump (Chen, Jordan and Wainwright 2020, arXiv:1904.02144): from a
 * misclassified point to the boundary by bisection, along a direction that is
 * estimated from the labels of random points about it, and back, ever nearer.
 * Sees predicted labels alone. The estimate's radius starts at a tenth of the
 * width of the bounds.
 */
export const hopskipjump = defineAttack({
  id: "hopskipjump",
  title: "HopSkipJump",
  access: "label",
  family: "query",
  norms: ["l2", "linf"],
  reference: "Chen, Jordan and Wainwright 2020, arXiv:1904.02144",
  taxonomy: blackBox,
  params: hopskipjumpParams,
  async run(input) {
    const { target, x, ball, params, random, onProgress } = input;
    const [low, high] = ball.bounds;
    const linf = ball.norm === "linf";
    const d = sizeOf(x.dims.slice(1));
    const theta = params.gamma / (linf ? d * d : d * Math.sqrt(d));
    const streams = random.map((stream) => stream.fork("hopskipjump"));
    const starts = await noisyStarts(input, streams, params.initialTries);
    let points = await toBoundary(input, starts, theta);
    for (let t = 1; t <= params.iterations; t++) {
      onProgress((t - 1) / params.iterations);
      const evals = Math.min(
        Math.floor(params.initialEvals * Math.sqrt(t)),
        params.maxEvals,
      );
      const open = target.open(evals + 1).filter((i) => points.has(i));
      if (open.length === 0) break;
      const far = new Map(
        open.map((i) => [
          i,
          distanceOf(ball, rowOf(x, i), points.get(i) as Float32Array),
        ]),
      );
      const radius = (i: number) =>
        t === 1
          ? 0.1 * (high - low)
          : (linf ? d : Math.sqrt(d)) * theta * (far.get(i) as number);
      const around = open.map((i) => ({
        sample: i,
        ...drawAround(
          points.get(i) as Float32Array,
          { count: evals, radius: radius(i), linf, bounds: ball.bounds },
          streams[i]!,
        ),
      }));
      const pointsOf = new Map(around.map((a) => [a.sample, a.points]));
      const labels = await manyBroken(
        input,
        open,
        (i) => pointsOf.get(i) ?? [],
      );
      const directions = new Map(
        around.map(({ sample, directions: all }) => [
          sample,
          estimate(all, labels.get(sample) ?? [], linf),
        ]),
      );
      const ahead = await jump(input, points, directions, far, t);
      points = new Map([...points, ...(await toBoundary(input, ahead, theta))]);
    }
    return target.examples();
  },
});

interface Around {
  readonly count: number;
  readonly radius: number;
  readonly linf: boolean;
  readonly bounds: readonly [number, number];
}

/** Random points about a point, inside the bounds, and the directions to them. */
function drawAround(
  point: Float32Array,
  { count, radius, linf, bounds: [low, high] }: Around,
  random: Random,
): { points: Float32Array[]; directions: Float32Array[] } {
  const points: Float32Array[] = [];
  const directions: Float32Array[] = [];
  for (let n = 0; n < count; n++) {
    const u = Float32Array.from(point, () =>
      linf ? 2 * random.uniform() - 1 : random.normal(),
    );
    const scale = radius / (lengthOf(u) || 1);
    const near = new Float32Array(point.length);
    for (let k = 0; k < near.length; k++) {
      const from = point[k]!;
      const to = from + scale * u[k]!;
      near[k] = Math.min(high, Math.max(low, to));
      u[k] = (near[k]! - from) / radius;
    }
    points.push(near);
    directions.push(u);
  }
  return { points, directions };
}

/**
 * The mean of the directions, each by its label less the mean label (equation 16): of
 * length 1, or its signs for Linf.
 */
function estimate(
  directions: readonly Float32Array[],
  broken: readonly boolean[],
  linf: boolean,
): Float32Array {
  const values = broken.map((b) => (b ? 1 : -1));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  // Where all agree there is no baseline to take off.
  const base = Math.abs(mean) === 1 ? 0 : mean;
  const sum = new Float32Array(directions[0]?.length ?? 0);
  directions.forEach((u, n) => {
    const weight = (values[n] as number) - base;
    for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + weight * u[k]!;
  });
  if (linf) return sum.map((v) => Math.sign(v));
  const length = lengthOf(sum) || 1;
  return sum.map((v) => v / length);
}

/** Steps along the directions, halved until the point is misclassified. */
async function jump(
  ground: Ground,
  points: ReadonlyMap<number, Float32Array>,
  directions: ReadonlyMap<number, Float32Array>,
  far: ReadonlyMap<number, number>,
  t: number,
): Promise<Map<number, Float32Array>> {
  const { target, x, ball } = ground;
  const [low, high] = ball.bounds;
  const landed = new Map<number, Float32Array>();
  const sizes = new Map([...far].map(([i, d]) => [i, d / Math.sqrt(t)]));
  for (let halving = 0; halving < 30; halving++) {
    const open = target
      .open()
      .filter((i) => directions.has(i) && !landed.has(i));
    if (open.length === 0) break;
    const tried = new Map(
      open.map((i) => {
        const direction = directions.get(i) as Float32Array;
        const size = sizes.get(i) as number;
        sizes.set(i, size / 2);
        const point = (points.get(i) as Float32Array).map((v, k) =>
          Math.min(high, Math.max(low, v + size * direction[k]!)),
        );
        return [i, point];
      }),
    );
    const broken = await areBroken(ground, gathered(tried, open, x), open);
    open.forEach((sample, place) => {
      if (broken[place]) landed.set(sample, tried.get(sample) as Float32Array);
    });
  }
  return landed;
}
