import { z } from "zod";
import { int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";

/**
 * Maximum softmax probability (Hendrycks and Gimpel 2017, arXiv:1610.02136), as
 * its negative logarithm: the same order, and no rounding to 1 where the model
 * is sure.
 */
export const maxSoftmax = defineDetector({
  id: "max-softmax",
  title: "Maximum softmax probability",
  reference: "Hendrycks and Gimpel 2017, arXiv:1610.02136",
  params: z.strictObject(detectorParams),
  gradient: "exact",
  build({ b, logits }) {
    const over = (op: string) =>
      b.op(op, [logits, b.ints([1])], { keepdims: int(0) });
    return b.sub(over("ReduceLogSumExp"), over("ReduceMax"));
  },
});
