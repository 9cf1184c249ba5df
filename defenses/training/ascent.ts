import { z } from "zod";
import { ballOf } from "#attacks";
import { numberOrFraction } from "#core";
import type { FloatTensor } from "#onnx";
import type { Batch, Moment } from "#tuning";

/** How the examples of a batch are searched for. */
export interface Ascent {
  readonly norm: "linf" | "l2";
  readonly eps: number;
  readonly steps: number;
  /** As a share of eps. */
  readonly relStepSize: number;
  /** Share of the training in which eps grows linearly from 0. */
  readonly warmUp: number;
}

/**
 * The parameters of an ascent. `warmUp` is none of the papers': networks of high
 * capacity for their data otherwise stay at chance for long where eps is large.
 */
export const ascentParams = (published: {
  eps: number;
  steps: number;
  relStepSize: number;
}) => ({
  norm: z.enum(["linf", "l2"]).default("linf").describe("norm of the examples"),
  eps: numberOrFraction
    .pipe(z.number().positive())
    .default(published.eps)
    .describe("their size, in the unit of the input bounds"),
  steps: z
    .int()
    .positive()
    .default(published.steps)
    .describe("steps of the search for examples"),
  relStepSize: z
    .number()
    .positive()
    .default(published.relStepSize)
    .describe("step size as a share of eps"),
  warmUp: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("share of the training in which eps grows linearly from 0"),
});

/** eps at a moment of the training. */
export const epsAt = (
  { eps, warmUp }: Pick<Ascent, "eps" | "warmUp">,
  { progress }: Pick<Moment, "progress">,
): number => (warmUp > 0 ? eps * Math.min(1, progress / warmUp) : eps);

interface Course {
  /** Where it begins; a random point of the ball when left out. */
  readonly start?: FloatTensor;
  /**
   * [N, classes]: the divergence from it is raised, instead of what training lowers.
   */
  readonly distribution?: FloatTensor;
}

/** Projected gradient ascent on the current weights, over all steps. */
export async function climb(
  batch: Batch,
  moment: Moment,
  ascent: Ascent,
  { start, distribution }: Course = {},
): Promise<FloatTensor> {
  const { model, random } = moment;
  const { x, y } = batch;
  const eps = epsAt(ascent, moment);
  const ball = ballOf(ascent.norm, eps, model.model.contract.bounds);
  const upwards = async (at: FloatTensor) => {
    if (!distribution) return moment.slope({ ...batch, x: at });
    const loss = "cross-entropy-distribution";
    return (await model.lossGradient(at, y, { loss, aims: distribution }))
      .gradient;
  };
  let at = start ?? ball.randomPoint(x, random);
  for (let step = 0; step < ascent.steps; step++) {
    const gradient = await upwards(at);
    at = ball.project(x, ball.ascend(at, gradient, eps * ascent.relStepSize));
  }
  return at;
}

/**
 * The inputs that a training against this ascent is judged by: at the whole eps,
 * whatever it has grown to.
 */
export const judgeBy =
  (ascent: Ascent) =>
  (batch: Batch, moment: Moment): Promise<FloatTensor> =>
    climb(batch, moment, { ...ascent, warmUp: 0 });
