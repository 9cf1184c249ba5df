import type { Dataset } from "#data";
import type { Engine } from "#engine";
import { classesSeen, compile, type Model, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Rate } from "../results/index.ts";
import { meanOfShares, rate } from "../statistics/index.ts";
import type { Parts } from "../tasks/index.ts";

/** Share of rows of outputs [N, outputs] that are right, with its interval. */
export function accuracyOf(
  model: Model,
  outputs: FloatTensor,
  { y, targets }: Pick<Dataset, "y" | "targets">,
): Rate {
  const seen = classesSeen(model, outputs, targets);
  return rate(seen.filter((p, i) => p === y[i]).length, y.length);
}

/** How far outputs are from their targets, with intervals of what are shares. */
export const measured = (
  model: Model,
  outputs: FloatTensor,
  targets: Dataset["targets"],
) =>
  meaningOf(model)
    .measures(outputs, targets)
    .map(({ name, value, each }) => ({
      name,
      value,
      interval: each && meanOfShares(each),
    }));

/** Accuracy on the whole test split, with its interval. */
export async function cleanAccuracy(
  model: Model,
  { test }: Parts,
  engine: Engine,
): Promise<Rate> {
  const compiled = await compile(model, engine);
  try {
    return accuracyOf(model, await compiled.logits(test.x), test);
  } finally {
    await compiled.release();
  }
}
