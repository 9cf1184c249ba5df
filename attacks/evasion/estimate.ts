import type { Random } from "#core";
import type { Target } from "#model";
import type { FloatTensor } from "#onnx";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

/** How slopes are estimated from scores. */
export interface Estimation {
  /** Directions, each of which is looked along both ways. */
  readonly pairs: number;
  /** How far. */
  readonly radius: number;
  /** One number of a direction. */
  draw(random: Random): number;
  /** What rises, from the scores of a row. */
  lossOf(scores: Float32Array, label: number): number;
}

/**
 * Gradients from scores alone: the mean over random directions u of
 * (loss(x + r u) - loss(x - r u)) / 2r times u, unbiased to the first order in r
 * where the numbers of u are independent, of mean 0 and variance 1. Asks
 * 2 * pairs queries of each sample, whose points may be a radius outside of
 * the bounds.
 *
 * @param points [samples, ...shape]
 * @param streams one generator a sample
 * @returns gradients like the points, and the mean loss about each
 */
export async function estimated(
  target: Target,
  points: FloatTensor,
  samples: readonly number[],
  labels: Int32Array,
  streams: readonly Random[],
  { pairs, radius, draw, lossOf }: Estimation,
): Promise<{ gradient: FloatTensor; loss: Float64Array }> {
  const width = points.data.length / Math.max(1, samples.length);
  const gradient = new Float32Array(points.data.length);
  const loss = new Float64Array(samples.length);
  const questions = samples.flatMap((_, place) =>
    Array.from({ length: pairs }, () => place),
  );
  for (const group of groupsOf(questions, ROWS / 2)) {
    const directions = group.map((place) => {
      const stream = streams[samples[place]!]!;
      return Float32Array.from({ length: width }, () => draw(stream));
    });
    const data = new Float32Array(2 * group.length * width);
    group.forEach((place, k) => {
      const at = rowOf(points, place);
      const u = directions[k] as Float32Array;
      for (let i = 0; i < width; i++) {
        const step = radius * u[i]!;
        data[2 * k * width + i] = at[i]! + step;
        data[(2 * k + 1) * width + i] = at[i]! - step;
      }
    });
    const rows = group.flatMap((place) => {
      const sample = samples[place]!;
      return [sample, sample];
    });
    const scores = await target.scores(
      { type: "float32", dims: [rows.length, ...points.dims.slice(1)], data },
      rows,
    );
    group.forEach((place, k) => {
      const label = labels[samples[place]!]!;
      const [up, down] = [0, 1].map((way) =>
        lossOf(rowOf(scores, 2 * k + way), label),
      ) as [number, number];
      const slope = (up - down) / (2 * radius * pairs);
      const sum = gradient.subarray(place * width, (place + 1) * width);
      const u = directions[k] as Float32Array;
      for (let i = 0; i < width; i++) sum[i] = sum[i]! + slope * u[i]!;
      loss[place] = loss[place]! + (up + down) / (2 * pairs);
    });
  }
  return { gradient: { ...points, data: gradient }, loss };
}
