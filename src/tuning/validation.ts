import { classesSeen, type Model, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Batch, Moment, TrainingPart, Validated } from "./part.ts";

/**
 * Mean loss of a model's task and share of samples that are right, on a batch as
 * the parts of its training judge it: under the attack that it is trained
 * against, so that the best epoch is the most robust.
 *
 * @param known the outputs, where they are there already
 */
export async function validate(
  batch: Batch,
  moment: Moment,
  parts: readonly TrainingPart[],
  known?: FloatTensor,
): Promise<Validated> {
  const outputs = known ?? (await judgedOutputs(batch, moment, parts));
  const judging = parts.find((p) => p.evaluate);
  return (
    judging?.evaluate?.(outputs, batch) ??
    lossAndAccuracy(moment.model.model, outputs, batch)
  );
}

/** What the model says of samples as the parts of its training judge it. */
export async function judgedOutputs(
  batch: Batch,
  moment: Moment,
  parts: readonly TrainingPart[],
): Promise<FloatTensor> {
  let seen = batch;
  for (const part of parts)
    if (part.judge) seen = { ...seen, x: await part.judge(seen, moment) };
  return moment.model.logits(seen.x);
}

/** The same of outputs that are there. */
export function lossAndAccuracy(
  model: Model,
  outputs: FloatTensor,
  { y, targets }: Pick<Batch, "y" | "targets">,
): Validated {
  const { lossOf } = meaningOf(model);
  const row = ({ data, dims }: FloatTensor, i: number) => {
    const width = dims[1] ?? 0;
    return data.subarray(i * width, (i + 1) * width);
  };
  let loss = 0;
  y.forEach((label, i) => {
    loss += lossOf(row(outputs, i), {
      label,
      targets: targets && row(targets, i),
    });
  });
  const seen = classesSeen(model, outputs, targets);
  const right = seen.filter((p, i) => p === y[i]).length;
  return { loss: loss / y.length, accuracy: right / y.length };
}
