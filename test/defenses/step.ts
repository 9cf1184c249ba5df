import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import {
  type Batch,
  type BatchGradient,
  type Moment,
  openStep,
  type TrainingPart,
} from "#tuning";
import { momentOf, settings } from "../reference.ts";

/**
 * What a step on a batch finds, as the first moment of a training prepares it, and
 * the weights after it.
 *
 * @param stated settings besides plain SGD
 */
export async function stepOn(
  model: Model,
  parts: readonly TrainingPart[],
  given: Batch,
  moved: Partial<Moment> = {},
  stated: Record<string, unknown> = {},
) {
  let seen: BatchGradient | undefined;
  const spy: TrainingPart = {
    async gradient(b, at) {
      seen = await at(b);
      return { ...seen, gradients: new Map(seen.gradients) };
    },
  };
  const { moment, compiled } = await momentOf(model, given.y.length);
  let ready = given;
  for (const p of parts)
    ready = (await p.prepare?.(ready, { ...moment, ...moved })) ?? ready;
  const names = layerGroups(model.graph).flatMap((g) => g.parameters);
  const step = await openStep(
    model,
    new Map(names.map((n) => [n, 1])),
    {
      settings: settings({ optimizer: { id: "sgd", momentum: 0 }, ...stated }),
      parts: [spy, ...parts],
    },
    onnxruntime,
  );
  await step.take(ready, 1e-3);
  await step.release();
  await compiled.release();
  return { ...(seen as BatchGradient), ready, weights: step.weights };
}
