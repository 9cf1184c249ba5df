import { z } from "zod";
import type { Random } from "#core";
import { sizeOf } from "#onnx";
import { defineAttack } from "../attack.ts";
import { clamped } from "../norms/branchless.ts";
import { blackBox } from "../taxonomies.ts";
import {
  areBroken,
  distanceOf,
  type Ground,
  noisyStarts,
  toBoundary,
} from "./boundary-search.ts";
import { gathered } from "./points.ts";
import { groupsOf, lengthOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

const hopskipjumpParams = z.strictObject({
  iterations: z
    .int()
    .positive()
    .default(50)
    .describe("times that the boundary is estimated and come nearer to"),
  initialEvals: z
    .int()
    .positive()
    .default(100)
    .describe(
      "points about which the first direction is estimated; more by the square root of the iteration",
    ),
  maxEvals: z
    .int()
    .positive()
    .default(10_000)
    .describe("the most points of one estimate"),
  gamma: z
    .number()
    .positive()
    .default(1)
    .describe("scales the tolerance of the bisection"),
  initialTries: z
    .int()
    .positive()
    .default(100)
    .describe("the most draws of noise for the first misclassified point"),
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
  summary:
    "Goes from a misclassified point to the boundary by bisection, and along it by directions estimated from labels, ever nearer to the sample. It sees labels alone.",
  caution:
    "A sample for which no misclassified start was found in `initialTries` counts as robust. Few iterations end far from the nearest example; and a model that draws at random leads the bisection astray.",
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
      const directions = await directionsAt(
        input,
        open.map((sample) => ({
          sample,
          point: points.get(sample) as Float32Array,
          radius: radius(sample),
          random: streams[sample]!,
        })),
        evals,
      );
      const ahead = await jump(input, points, directions, far, t);
      points = new Map([...points, ...(await toBoundary(input, ahead, theta))]);
    }
    return target.examples();
  },
});

/** Where a direction is estimated. */
interface Place {
  readonly sample: number;
  readonly point: Float32Array;
  readonly radius: number;
  readonly random: Random;
}

/** What the labels about a point add up to. */
interface Sums {
  /** Of the ways to all points, and to those that are misclassified. */
  readonly all: Float64Array;
  readonly broken: Float64Array;
  /** How many these are. */
  count: number;
}

/**
 * The direction from each point into what is misclassified, by the labels of so many
 * random points about it.
 */
async function directionsAt(
  ground: Ground,
  places: readonly Place[],
  evals: number,
): Promise<Map<number, Float32Array>> {
  const { norm, bounds } = ground.ball;
  const shape = ground.x.dims.slice(1);
  const width = sizeOf(shape);
  const sums = places.map(
    (): Sums => ({
      all: new Float64Array(width),
      broken: new Float64Array(width),
      count: 0,
    }),
  );
  const questions = places.flatMap((_, at) =>
    new Array<number>(evals).fill(at),
  );
  const rows = new Float32Array(Math.min(ROWS, questions.length) * width);
  for (const group of groupsOf(questions, ROWS)) {
    const data = rows.subarray(0, group.length * width);
    for (const [k, at] of group.entries())
      drawNear(
        data.subarray(k * width, (k + 1) * width),
        places[at]!,
        norm,
        bounds,
      );
    const broken = await areBroken(
      ground,
      { type: "float32", dims: [group.length, ...shape], data },
      group.map((at) => places[at]!.sample),
    );
    for (const [k, at] of group.entries())
      add(
        sums[at]!,
        data.subarray(k * width, (k + 1) * width),
        places[at]!.point,
        broken[k]!,
      );
  }
  return new Map(
    places.map(({ sample }, at) => [
      sample,
      estimate(sums[at]!, evals, norm === "linf"),
    ]),
  );
}

/** Fills with a random point at a radius about a point, inside the bounds. */
function drawNear(
  near: Float32Array,
  { point, radius, random }: Place,
  norm: string,
  [low, high]: readonly [number, number],
): void {
  if (norm === "linf")
    for (let k = 0; k < near.length; k++) near[k] = 2 * random.uniform() - 1;
  else random.normals(near);
  const scale = radius / (lengthOf(near) || 1);
  for (let k = 0; k < near.length; k++)
    near[k] = clamped(point[k]! + scale * near[k]!, low, high);
}

/** Adds the way to a point. */
function add(
  sums: Sums,
  near: Float32Array,
  point: Float32Array,
  isBroken: boolean,
): void {
  const { all, broken } = sums;
  const weight = Number(isBroken);
  for (let k = 0; k < all.length; k++) {
    const way = near[k]! - point[k]!;
    all[k]! += way;
    broken[k]! += weight * way;
  }
  sums.count += weight;
}

/**
 * The mean of the ways, each by its label less the mean label (equation 16): of
 * length 1, or its signs for Linf.
 */
function estimate(
  { all, broken, count }: Sums,
  evals: number,
  linf: boolean,
): Float32Array {
  const mean = (2 * count) / evals - 1;
  // Where all agree there is no baseline to take off.
  const base = Math.abs(mean) === 1 ? 0 : mean;
  const sum = Float32Array.from(broken, (v, k) => 2 * v - (1 + base) * all[k]!);
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
