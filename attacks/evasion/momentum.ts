import { z } from "zod";
import { type FloatTensor, putRows, takeRows } from "#onnx";
import type { Ball } from "../ball.ts";
import { rowOf } from "./vectors.ts";

/** Iterated sign steps with momentum. The defaults are those of Dong et al. 2018. */
export const momentumParams = z.strictObject({
  steps: z.int().positive().default(10).describe("steps of the ascent"),
  relStepSize: z
    .number()
    .positive()
    .default(0.1)
    .describe("step size as a share of eps"),
  decay: z
    .number()
    .nonnegative()
    .default(1)
    .describe("what is kept of the velocity from step to step"),
});

/** A climb by velocity. */
export interface Climb extends z.output<typeof momentumParams> {
  readonly x: FloatTensor;
  readonly ball: Ball;
  /** Whether the gradient is taken where the velocity leads (Nesterov). */
  readonly ahead: boolean;
  /** The samples that go on. */
  open(): readonly number[];
  /** Gradients at points of these samples. */
  gradientAt(
    points: FloatTensor,
    samples: readonly number[],
    step: number,
  ): Promise<FloatTensor>;
  readonly onProgress: (share: number) => void;
}

/**
 * Steps along the sign of a velocity that adds up gradients of length 1 in L1
 * (Dong et al. 2018, arXiv:1710.06081, algorithm 1), from the samples themselves.
 *
 * @returns the last points [N, ...shape]
 */
export async function climbWithMomentum({
  x,
  ball,
  steps,
  relStepSize,
  decay,
  ahead,
  open,
  gradientAt,
  onProgress,
}: Climb): Promise<FloatTensor> {
  const size = relStepSize * ball.eps;
  const tries = { ...x, data: Float32Array.from(x.data) };
  const velocity = new Float32Array(x.data.length);
  const width = x.data.length / Math.max(1, x.dims[0] ?? 0);
  for (let step = 0; step < steps; step++) {
    onProgress(step / steps);
    const samples = open();
    if (samples.length === 0) break;
    const here = takeRows(tries, samples);
    const speeds = samples.map((i) =>
      velocity.subarray(i * width, (i + 1) * width),
    );
    const points = ahead ? moved(here, speeds, size * decay) : here;
    const gradient = await gradientAt(points, samples, step);
    const signs = speeds.map((speed, place) => {
      accelerate(speed, rowOf(gradient, place), decay);
      return speed.map((v) => Math.sign(v));
    });
    putRows(
      tries,
      samples,
      ball.project(takeRows(x, samples), moved(here, signs, size)),
    );
  }
  return tries;
}

/**
 * speed * decay + gradient / its L1 length, in place; a gradient of no length adds
 * nothing.
 */
function accelerate(
  speed: Float32Array,
  gradient: Float32Array,
  decay: number,
): void {
  let length = 0;
  for (let i = 0; i < gradient.length; i++) length += Math.abs(gradient[i]!);
  const scale = length > 0 ? 1 / length : 0;
  for (let i = 0; i < speed.length; i++)
    speed[i] = decay * speed[i]! + scale * gradient[i]!;
}

/** Rows moved along a direction each. */
function moved(
  here: FloatTensor,
  directions: readonly Float32Array[],
  size: number,
): FloatTensor {
  const data = Float32Array.from(here.data);
  directions.forEach((direction, place) => {
    const row = rowOf({ ...here, data }, place);
    for (let i = 0; i < row.length; i++)
      row[i] = row[i]! + size * direction[i]!;
  });
  return { ...here, data };
}
