import type { Random } from "#core";
import { type FloatTensor, sizeOf } from "#onnx";
import type { AttackInput } from "../attack.ts";
import { norms } from "../norms/index.ts";
import { gathered, type Points } from "./points.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

/** What the searches along decisions need of an attack's input. */
export type Ground = Pick<AttackInput<unknown>, "target" | "x" | "y" | "ball">;

/**
 * Whether each row is taken for another class than its sample's own. One query a row.
 */
export async function areBroken(
  { target, y }: Ground,
  rows: FloatTensor,
  samples: readonly number[],
): Promise<boolean[]> {
  const predicted = await target.predict(rows, samples);
  return samples.map((sample, place) => predicted[place] !== y[sample]);
}

/**
 * A misclassified point of each sample, by uniform noise within the bounds.
 *
 * @param tries the most draws; samples that none of them breaks are left out
 */
export async function noisyStarts(
  ground: Ground,
  streams: readonly Random[],
  tries: number,
): Promise<Map<number, Float32Array>> {
  const { target, x, ball } = ground;
  const [low, high] = ball.bounds;
  const width = sizeOf(x.dims.slice(1));
  const starts = new Map<number, Float32Array>();
  for (let k = 0; k < tries; k++) {
    const open = target.open().filter((i) => !starts.has(i));
    if (open.length === 0) break;
    const drawn = new Map(
      open.map((i) => [
        i,
        Float32Array.from(
          { length: width },
          () => low + (high - low) * streams[i]!.uniform(),
        ),
      ]),
    );
    const broken = await areBroken(ground, gathered(drawn, open, x), open);
    open.forEach((sample, place) => {
      if (broken[place]) starts.set(sample, drawn.get(sample) as Float32Array);
    });
  }
  return starts;
}

/**
 * Moves misclassified points towards their samples until they lie on the
 * boundary, by bisection: along the line, or for Linf by clipping into ever
 * smaller boxes. What is returned is misclassified.
 *
 * @param tolerance share of the way at which to stop, of all or of each sample
 */
export async function toBoundary(
  ground: Ground,
  from: Points,
  tolerance: number | ((sample: number) => number),
): Promise<Map<number, Float32Array>> {
  const { target, x, ball } = ground;
  const share = (i: number) =>
    typeof tolerance === "number" ? tolerance : tolerance(i);
  const between = new Map(
    [...from].map(([i, point]) => {
      const centre = rowOf(x, i);
      const size = ball.norm === "linf" ? distanceOf(ball, centre, point) : 1;
      return [i, { low: 0, high: size, size, found: point }];
    }),
  );
  for (;;) {
    const open = target.open().filter((i) => {
      const at = between.get(i);
      return at && at.high - at.low > share(i) * at.size;
    });
    if (open.length === 0) break;
    const tried = new Map(
      open.map((i) => {
        const at = between.get(i) as { low: number; high: number };
        const middle = (at.low + at.high) / 2;
        const point = from.get(i) as Float32Array;
        return [i, drawnIn(ball.norm, rowOf(x, i), point, middle)];
      }),
    );
    const broken = await areBroken(ground, gathered(tried, open, x), open);
    open.forEach((sample, place) => {
      const at = between.get(sample);
      if (!at) return;
      const middle = (at.low + at.high) / 2;
      if (broken[place]) {
        at.high = middle;
        at.found = tried.get(sample) as Float32Array;
      } else at.low = middle;
    });
  }
  return new Map([...between].map(([i, { found }]) => [i, found]));
}

/**
 * A point on its way to the centre: a share of the line, or for Linf as far as this
 * on every number.
 */
function drawnIn(
  norm: string,
  centre: Float32Array,
  point: Float32Array,
  size: number,
): Float32Array {
  const to = new Float32Array(point.length);
  for (let k = 0; k < to.length; k++) {
    const from = centre[k]!;
    const away = point[k]! - from;
    to[k] =
      from +
      (norm === "linf" ? Math.min(size, Math.max(-size, away)) : size * away);
  }
  return to;
}

/** The distance of a point in the norm of the ball. */
export function distanceOf(
  { norm }: Ground["ball"],
  centre: Float32Array,
  point: Float32Array,
): number {
  const delta = new Float64Array(point.length);
  for (let k = 0; k < delta.length; k++) delta[k] = point[k]! - centre[k]!;
  return norms[norm].length(delta);
}

/**
 * Asks about many points of each sample.
 *
 * @param pointsOf the points of a sample, as many for each
 * @returns for each sample whether each of its points is misclassified
 */
export async function manyBroken(
  ground: Ground,
  samples: readonly number[],
  pointsOf: (sample: number) => readonly Float32Array[],
): Promise<Map<number, boolean[]>> {
  const found = new Map<number, boolean[]>(samples.map((i) => [i, []]));
  const questions = samples.flatMap((i) =>
    pointsOf(i).map((point) => ({ sample: i, point })),
  );
  for (const group of groupsOf(questions, ROWS)) {
    const width = sizeOf(ground.x.dims.slice(1));
    const data = new Float32Array(group.length * width);
    group.forEach(({ point }, k) => {
      data.set(point, k * width);
    });
    const rows: FloatTensor = {
      type: "float32",
      dims: [group.length, ...ground.x.dims.slice(1)],
      data,
    };
    const asked = group.map(({ sample }) => sample);
    const broken = await areBroken(ground, rows, asked);
    for (const [k, sample] of asked.entries())
      found.get(sample)?.push(broken[k]!);
  }
  return found;
}
