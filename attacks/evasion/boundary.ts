import { z } from "zod";
import type { Random } from "#core";
import { defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import {
  areBroken,
  distanceOf,
  noisyStarts,
  toBoundary,
} from "./boundary-search.ts";
import { gathered } from "./points.ts";
import { lengthOf, rowOf } from "./vectors.ts";

const boundaryParams = z.strictObject({
  steps: z
    .int()
    .positive()
    .default(25_000)
    .describe("steps of the walk, each of which asks about a few points"),
  sphericalStep: z
    .number()
    .positive()
    .default(0.01)
    .describe("length of a step along the sphere, as a share of the distance"),
  sourceStep: z
    .number()
    .positive()
    .default(0.01)
    .describe(
      "length of a step towards the sample, as a share of the distance",
    ),
  stepAdaptation: z
    .number()
    .gt(1)
    .default(1.5)
    .describe("the factor by which both lengths adapt"),
  convergence: z
    .number()
    .nonnegative()
    .default(1e-7)
    .describe("a sample whose step towards it gets shorter than this is done"),
  initialTries: z
    .int()
    .positive()
    .default(100)
    .describe("the most draws of noise for the first misclassified point"),
});

/**
 * Every so many steps it is asked whether a step along the sphere alone
 * stays misclassified.
 */
const CHECKED = 10;
/** Answers after which the steps along the sphere, and the whole ones, adapt. */
const SPHERICAL = { answers: 100, above: 0.5, below: 0.2 };
const WHOLE = { answers: 30, above: 0.25, below: 0.1 };

/**
 * Boundary attack (Brendel, Rauber and Bethge 2018, arXiv:1712.04248): a random
 * walk along the boundary from a misclassified point, of steps on a sphere about
 * the sample and then towards it, whose lengths adapt to how many of them
 * stay misclassified. Sees predicted labels alone. Adapts as in the authors'
 * library (foolbox).
 */
export const boundary = defineAttack({
  id: "boundary",
  title: "Boundary attack",
  summary:
    "A random walk along the boundary from a misclassified point, towards the sample, that sees labels alone.",
  caution:
    "It converges slowly: with fewer steps than the paper's, distances are far too large. A sample without a misclassified start counts as robust. Compare hopskipjump.",
  access: "label",
  family: "query",
  norms: ["l2"],
  reference: "Brendel, Rauber and Bethge 2018, arXiv:1712.04248",
  taxonomy: blackBox,
  params: boundaryParams,
  async run(input) {
    const { target, x, ball, params, random, onProgress } = input;
    const streams = random.map((stream) => stream.fork("boundary"));
    const starts = await noisyStarts(input, streams, params.initialTries);
    const first = await toBoundary(input, starts, 1e-3);
    const walks = new Map<number, Walk>(
      [...first].map(([i, point]) => [
        i,
        {
          point,
          spherical: params.sphericalStep,
          source: params.sourceStep,
          along: [],
          whole: [],
        },
      ]),
    );
    for (let step = 0; step < params.steps; step++) {
      if (step % 64 === 0) onProgress(step / params.steps);
      const check = step % CHECKED === 0;
      const open = target.open(check ? 2 : 1).filter((i) => {
        const walk = walks.get(i);
        return walk !== undefined && walk.source > params.convergence;
      });
      if (open.length === 0) break;
      const proposed = new Map(
        open.map((i) => [
          i,
          propose(
            walks.get(i) as Walk,
            rowOf(x, i),
            distanceOf(ball, rowOf(x, i), (walks.get(i) as Walk).point),
            ball.bounds,
            streams[i]!,
          ),
        ]),
      );
      const pick = (which: "onSphere" | "nearer") =>
        new Map([...proposed].map(([i, candidates]) => [i, candidates[which]]));
      if (check) {
        const rows = gathered(pick("onSphere"), open, x);
        const stayed = await areBroken(input, rows, open);
        for (const [place, i] of open.entries())
          walks.get(i)?.along.push(stayed[place]!);
      }
      const left = target.open().filter((i) => proposed.has(i));
      if (left.length === 0) break;
      const nearer = pick("nearer");
      const rows = gathered(nearer, left, x);
      const broken = await areBroken(input, rows, left);
      for (const [place, i] of left.entries()) {
        const walk = walks.get(i) as Walk;
        if (check) walk.whole.push(broken[place]!);
        const point = nearer.get(i) as Float32Array;
        const centre = rowOf(x, i);
        if (
          broken[place] &&
          distanceOf(ball, centre, point) < distanceOf(ball, centre, walk.point)
        )
          walk.point = point;
        adapt(walk, params.stepAdaptation);
      }
    }
    return target.examples();
  },
});

/** One sample's walk. */
interface Walk {
  point: Float32Array;
  spherical: number;
  source: number;
  /**
   * Whether steps along the sphere, and whole ones, stayed misclassified, since the
   * lengths last changed.
   */
  readonly along: boolean[];
  readonly whole: boolean[];
}

function adapt(walk: Walk, factor: number): void {
  const share = (answers: readonly boolean[]) =>
    answers.filter(Boolean).length / answers.length;
  if (walk.along.length >= SPHERICAL.answers) {
    const stayed = share(walk.along);
    const scale =
      stayed > SPHERICAL.above
        ? factor
        : stayed < SPHERICAL.below
          ? 1 / factor
          : 1;
    walk.spherical *= scale;
    walk.source *= scale;
    walk.along.length = 0;
  }
  if (walk.whole.length >= WHOLE.answers) {
    const stayed = share(walk.whole);
    if (stayed > WHOLE.above) walk.source *= factor;
    else if (stayed < WHOLE.below) walk.source /= factor;
    walk.whole.length = 0;
  }
}

/** A random point on the sphere about the sample, and the same moved towards it. */
function propose(
  { point, spherical, source }: Walk,
  centre: Float32Array,
  distance: number,
  [low, high]: readonly [number, number],
  random: Random,
): { onSphere: Float32Array; nearer: Float32Array } {
  const clip = (v: number) => Math.min(high, Math.max(low, v));
  const n = point.length;
  const towards = new Float32Array(n);
  const across = new Float32Array(n);
  let along = 0;
  for (let k = 0; k < n; k++) {
    towards[k] = (centre[k]! - point[k]!) / distance;
    across[k] = random.normal();
    along += across[k]! * towards[k]!;
  }
  for (let k = 0; k < n; k++) across[k] = across[k]! - along * towards[k]!;
  const scale = (spherical * distance) / (lengthOf(across) || 1);
  const shrink = 1 / Math.sqrt(spherical * spherical + 1);
  const onSphere = new Float32Array(n);
  const back = new Float32Array(n);
  for (let k = 0; k < n; k++) {
    const move = scale * across[k]! - distance * towards[k]!;
    onSphere[k] = clip(centre[k]! + shrink * move);
    back[k] = centre[k]! - onSphere[k]!;
  }
  const length = lengthOf(back) || 1;
  // What the bounds took off the sphere is given back.
  const size = Math.max(0, source * distance + length - distance) / length;
  const nearer = onSphere.map((v, k) => clip(v + size * back[k]!));
  return { onSphere, nearer };
}
