import { ballOf } from "#attacks";
import { AssayError } from "#core";
import { type Model, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Batch, Moment } from "#tuning";
import { type Ascent, epsAt } from "./ascent.ts";

/** The view of TRADES and MART: the adversarial examples beside the clean ones. */
export const ADVERSARIAL = "adversarial";

/** Where TRADES and MART begin: x + 0.001 N(0, 1), inside the ball. */
export function nextTo(
  x: FloatTensor,
  moment: Moment,
  ascent: Ascent,
): FloatTensor {
  const width = x.data.length / (x.dims[0] ?? 1);
  const data = Float32Array.from(x.data);
  for (const [i, random] of moment.random.entries())
    for (let k = i * width; k < (i + 1) * width; k++)
      data[k] = data[k]! + 0.001 * random.normal();
  const { bounds } = moment.model.model.contract;
  return ballOf(ascent.norm, epsAt(ascent, moment), bounds).project(x, {
    ...x,
    data,
  });
}

/** A batch with the view added. */
export const beside = (batch: Batch, adversarial: FloatTensor): Batch => ({
  ...batch,
  views: { ...batch.views, [ADVERSARIAL]: adversarial },
});

/** Refuses a model whose outputs are not logits of classes of which one holds. */
export function requireClasses(model: Model, title: string): void {
  if (!meaningOf(model).targets) return;
  throw new AssayError(
    "TRAINING_PARTS",
    `${title} compares probabilities of classes, the model is one of ${model.task?.kind}`,
    "Train with pgd-at, which follows the loss of the model's task.",
  );
}
