import { z } from "zod";
import type { Random } from "#core";
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
import { lowNoise } from "./cosines.ts";
import { type PlaneNorm, wayToPlane } from "./hyperplane.ts";
import { gathered } from "./points.ts";
import { dot, lengthOf, rowOf } from "./vectors.ts";

/**
 * Directions of the first estimate; the authors' code chooses the number of
 * estimates by it.
 */
const FIRST = 80;
/** Queries of each estimate that go into finding the boundary. */
const SEARCHED = 25;
/**
 * The farthest that is gone along a normal, in doublings of the distance to the
 * estimated plane.
 */
const DOUBLINGS = 12;

const geodaParams = z.strictObject({
  queries: z
    .int()
    .positive()
    .default(4000)
    .describe(
      "queries that the estimates share, and the searches for the boundary, of 25 each",
    ),
  subDim: z
    .int()
    .positive()
    .default(10)
    .describe(
      "cosine waves of an image along each side of which noise is made: 75 for ImageNet in the authors' code, 10 in ART",
    ),
  lambda: z
    .number()
    .positive()
    .max(1)
    .default(0.6)
    .describe(
      "how much fewer directions an estimate has than the next: its power of two thirds",
    ),
  sigma: z
    .number()
    .positive()
    .default(2e-4)
    .describe(
      "standard deviation of the noise, as a share of the width of the bounds",
    ),
  tolerance: z
    .number()
    .positive()
    .default(1e-4)
    .describe(
      "length of the bisected interval at which it stops, as a share of the width of the bounds",
    ),
  initialTries: z
    .int()
    .positive()
    .default(100)
    .describe("the most draws of noise for the first misclassified point"),
});

/**
 * GeoDA (Rahmati et al. 2020, arXiv:2003.06468): takes the boundary for a
 * hyperplane, estimates its normal from the labels of noise about a point on it,
 * goes from the sample to the boundary along the shortest way to such a plane,
 * and estimates again there, with ever more directions. Sees predicted labels
 * alone; noise of images has low frequencies.
 *
 * As in the authors' code, estimates add up. The way to a plane is the shortest
 * inside the bounds (in L1 the steepest numbers, each up to its bound), where the
 * authors clip or, in L1, search for how many numbers; how far the boundary is
 * along it is found by doubling, where they take steps of 5. The first
 * misclassified point is uniform noise.
 */
export const geoda = defineAttack({
  id: "geoda",
  title: "GeoDA",
  summary:
    "Takes the boundary for a hyperplane, estimates its normal from labels, and goes from the sample to it along the shortest way; then again from there.",
  caution:
    "Where the boundary bends, the way is longer than need be. Noise of low frequencies (`subDim`) suits images, and misses boundaries that depend on fine detail.",
  access: "label",
  family: "query",
  norms: ["l2", "linf", "l1"],
  reference: "Rahmati et al. 2020, arXiv:2003.06468",
  taxonomy: blackBox,
  params: geodaParams,
  async run(input) {
    const { target, x, ball, params, random, onProgress } = input;
    const [low, high] = ball.bounds;
    const shape = x.dims.slice(1);
    const streams = random.map((stream) => stream.fork("geoda"));
    const draw = noiseOf(shape, params.subDim);
    const sigma = params.sigma * (high - low);
    const hair = params.tolerance * (high - low);
    const starts = await noisyStarts(input, streams, params.initialTries);
    const points = await toBoundary(input, starts, (i) => {
      const point = starts.get(i) as Float32Array;
      return hair / distanceOf({ ...ball, norm: "l2" }, rowOf(x, i), point);
    });
    const normals = new Map<number, Float32Array>();
    const counts = countsOf(params.queries, params.lambda);
    for (const [t, count] of counts.entries()) {
      onProgress(t / counts.length);
      const open = target.open(count).filter((i) => points.has(i));
      if (open.length === 0) break;
      const noises = new Map(
        open.map((i) => [
          i,
          Array.from({ length: count }, () => draw(streams[i]!)),
        ]),
      );
      const labels = await manyBroken(input, open, (i) => {
        const point = points.get(i) as Float32Array;
        return (noises.get(i) ?? []).map((noise) =>
          noise.map((v, k) => point[k]! + sigma * v),
        );
      });
      for (const i of open)
        normals.set(
          i,
          estimate(noises.get(i) ?? [], labels.get(i) ?? [], normals.get(i)),
        );
      const found = await alongNormals(input, open, points, normals, hair);
      for (const [i, point] of found) points.set(i, point);
    }
    return target.examples();
  },
});

/** Draws noise: of low frequencies for images [C, H, W], of all for other shapes. */
function noiseOf(
  shape: readonly number[],
  subDim: number,
): (random: Random) => Float32Array {
  if (shape.length === 3) return lowNoise(shape, subDim);
  const width = shape.reduce((p, d) => p * d, 1);
  return (random) =>
    Float32Array.from({ length: width }, () => random.normal());
}

/**
 * Directions of each estimate (equation 19 of the paper): as few estimates as start
 * with no more than 80.
 */
export function countsOf(queries: number, lambda: number): number[] {
  for (let estimates = 1; ; estimates++) {
    const shares = Array.from(
      { length: estimates },
      (_, t) => lambda ** ((-2 * t) / 3),
    );
    const total = shares.reduce((a, b) => a + b, 0);
    const left = Math.max(estimates, queries - SEARCHED * estimates);
    const counts = shares.map((s) =>
      Math.max(1, Math.round((left * s) / total)),
    );
    if (counts[0]! <= FIRST) return counts;
  }
}

/**
 * The mean of the noise, turned to where it is misclassified, added to
 * the last estimate.
 */
function estimate(
  noises: readonly Float32Array[],
  broken: readonly boolean[],
  last: Float32Array | undefined,
): Float32Array {
  const sum = Float32Array.from(last ?? noises[0] ?? [], (v) => (last ? v : 0));
  noises.forEach((noise, n) => {
    const weight = (broken[n] ? 1 : -1) / noises.length;
    for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + weight * noise[k]!;
  });
  return sum;
}

/**
 * The first misclassified point of each sample on its way to planes of the estimated
 * normal, by doubling and bisection.
 */
async function alongNormals(
  ground: Ground,
  samples: readonly number[],
  points: ReadonlyMap<number, Float32Array>,
  normals: ReadonlyMap<number, Float32Array>,
  hair: number,
): Promise<Map<number, Float32Array>> {
  const { target, x, ball } = ground;
  const reached = (i: number, height: number) => {
    const centre = rowOf(x, i);
    const normal = normals.get(i) as Float32Array;
    const way = wayToPlane(
      centre,
      normal,
      -height,
      ball.norm as PlaneNorm,
      ball.bounds,
    );
    return centre.map((v, k) => v + way[k]!);
  };
  const searches = new Map<number, Search>(
    samples.map((i) => {
      const normal = normals.get(i) as Float32Array;
      const away = (points.get(i) as Float32Array).map(
        (v, k) => v - rowOf(x, i)[k]!,
      );
      // Where the estimate points away from the boundary, as high as if it did not.
      const rise = dot(normal, away);
      const height = rise > 0 ? rise : lengthOf(normal) * lengthOf(away);
      return [i, { low: 0, high: height, doublings: 0 }];
    }),
  );
  for (;;) {
    const open = target.open().filter((i) => {
      const search = searches.get(i);
      return search !== undefined && !isDone(search, rowOf(x, i), hair);
    });
    if (open.length === 0) break;
    const heights = new Map(
      open.map((i) => {
        const { low, high, found } = searches.get(i) as Search;
        return [i, found ? (low + high) / 2 : high];
      }),
    );
    const tried = new Map(
      open.map((i) => [i, reached(i, heights.get(i) as number)]),
    );
    const broken = await areBroken(ground, gathered(tried, open, x), open);
    for (const [place, i] of open.entries()) {
      const search = searches.get(i) as Search;
      const height = heights.get(i) as number;
      if (broken[place]) {
        search.high = height;
        search.found = tried.get(i) as Float32Array;
      } else {
        search.low = height;
        if (search.found) continue;
        search.high = 2 * height;
        search.doublings++;
      }
    }
  }
  return new Map(
    [...searches].flatMap(([i, { found }]) => (found ? [[i, found]] : [])),
  );
}

/** Heights between which the boundary lies. */
interface Search {
  low: number;
  high: number;
  doublings: number;
  /** The lowest point that is misclassified. */
  found?: Float32Array;
}

function isDone(
  { low, high, doublings, found }: Search,
  centre: Float32Array,
  hair: number,
): boolean {
  if (!found) return doublings >= DOUBLINGS || !(high > 0);
  const away = found.map((v, k) => v - centre[k]!);
  return ((high - low) / high) * lengthOf(away) <= hair;
}
