import type { Dataset } from "#data";
import { classesSeen, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Rate } from "./results.ts";
import { rate } from "./statistics.ts";

/** Share of rows of outputs [N, outputs] that are right, with its interval. */
export function accuracyOf(
  model: Model,
  outputs: FloatTensor,
  { y, targets }: Pick<Dataset, "y" | "targets">,
): Rate {
  const seen = classesSeen(model, outputs, targets);
  return rate(seen.filter((p, i) => p === y[i]).length, y.length);
}
