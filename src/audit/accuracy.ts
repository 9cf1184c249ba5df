import { argmaxRows } from "#model";
import type { FloatTensor } from "#onnx";
import type { Rate } from "./results.ts";
import { rate } from "./statistics.ts";

/** Share of rows of logits [N, classes] whose largest is the label's, with its interval. */
export function argmaxAccuracy(logits: FloatTensor, y: Int32Array): Rate {
  const right = argmaxRows(logits).filter((p, i) => p === y[i]).length;
  return rate(right, y.length);
}
