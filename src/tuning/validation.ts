import type { FloatTensor } from "#onnx";
import type { Batch, Moment, TrainingPart } from "./part.ts";

/**
 * Mean cross-entropy and share of right predictions of a model on a batch as
 * the parts of its training judge it: under the attack that it is trained
 * against, so that the best epoch is the most robust.
 */
export async function validate(
  batch: Batch,
  moment: Moment,
  parts: readonly TrainingPart[],
): Promise<{ loss: number; accuracy: number }> {
  let seen = batch;
  for (const part of parts)
    if (part.judge) seen = { ...seen, x: await part.judge(seen, moment) };
  return lossAndAccuracy(await moment.model.logits(seen.x), batch.y);
}

function lossAndAccuracy(
  logits: FloatTensor,
  y: Int32Array,
): { loss: number; accuracy: number } {
  const classes = logits.dims[1] ?? 0;
  let loss = 0;
  let right = 0;
  y.forEach((label, i) => {
    const row = logits.data.subarray(i * classes, (i + 1) * classes);
    const top = Math.max(...row);
    const total = row.reduce((sum, z) => sum + Math.exp(z - top), 0);
    loss += Math.log(total) + top - (row[label] as number);
    if (row[label] === top) right++;
  });
  return { loss: loss / y.length, accuracy: right / y.length };
}
