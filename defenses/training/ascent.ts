import { type Ball, ballOf } from "#attacks";
import type { FloatTensor } from "#onnx";
import type { Batch, Moment } from "#tuning";

/** How the examples of a batch are searched for. */
export interface Ascent {
  readonly norm: "linf" | "l2";
  readonly eps: number;
  readonly steps: number;
  /** As a share of eps. */
  readonly relStepSize: number;
}

/** The ball of a defence around the samples of the model that it trains. */
export const ballFor = (
  { norm, eps }: Pick<Ascent, "norm" | "eps">,
  { model }: { model: { contract: { bounds: readonly [number, number] } } },
): Ball => ballOf(norm, eps, model.contract.bounds);

/**
 * Projected gradient ascent on the current weights, over all steps.
 *
 * @param start where it begins; a random point of the ball when left out
 * @param distribution [N, classes]: the divergence from it is raised, instead of the loss of the model's task
 */
export async function climb(
  { x, y, targets }: Batch,
  { model, random }: Moment,
  ascent: Ascent,
  {
    start,
    distribution,
  }: { start?: FloatTensor; distribution?: FloatTensor } = {},
): Promise<FloatTensor> {
  const ball = ballFor(ascent, model);
  let at = start ?? ball.randomPoint(x, random);
  for (let step = 0; step < ascent.steps; step++) {
    const { gradient } = await model.lossGradient(
      at,
      y,
      distribution
        ? { loss: "cross-entropy-distribution", aims: distribution, targets }
        : { targets },
    );
    at = ball.project(
      x,
      ball.ascend(at, gradient, ascent.eps * ascent.relStepSize),
    );
  }
  return at;
}
