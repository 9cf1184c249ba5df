import { classesSeen, type Model, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Batch, Moment, TrainingPart, Validated } from "./part.ts";

/** Outputs of some rows of a dataset, and what they should have been. */
export interface Outputs {
  readonly outputs: FloatTensor;
  readonly truth: Pick<Batch, "y" | "targets">;
}

/**
 * Mean loss of a model's task and share of samples that are right, of outputs that come
 * a few rows at a time: of a language model all of them would fill the memory.
 */
export async function validate(
  model: Model,
  all: AsyncIterable<Outputs>,
): Promise<Validated> {
  let [loss, right, count] = [0, 0, 0];
  for await (const { outputs, truth } of all) {
    const found = tally(model, outputs, truth);
    loss += found.loss;
    right += found.right;
    count += truth.y.length;
  }
  return { loss: loss / count, accuracy: right / count };
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
  truth: Outputs["truth"],
): Validated {
  const { loss, right } = tally(model, outputs, truth);
  const { length } = truth.y;
  return { loss: loss / length, accuracy: right / length };
}

/** The sum of losses, and how many are right. */
function tally(
  model: Model,
  outputs: FloatTensor,
  { y, targets }: Outputs["truth"],
): { loss: number; right: number } {
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
  return { loss, right: seen.filter((p, i) => p === y[i]).length };
}
