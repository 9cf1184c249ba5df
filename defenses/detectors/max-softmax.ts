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
  summary: "Rejects inputs whose likeliest class has a low probability.",
  caution:
    "Attacks that go on past the boundary make the model sure, and pass: it stops only those that end at the boundary, such as minimum-norm ones. Only adaptive attacks count.",
  reference: "Hendrycks and Gimpel 2017, arXiv:1610.02136",
  params: z.strictObject(detectorParams),
  gradient: "exact",
  build({ b, logits }) {
    const over = (op: string) =>
      b.op(op, [logits, b.ints([1])], { keepdims: int(0) });
    return b.sub(over("ReduceLogSumExp"), over("ReduceMax"));
  },
});
