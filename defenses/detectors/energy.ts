import { z } from "zod";
import { int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";

/**
 * Energy (Liu et al. 2020, arXiv:2010.03759): -T logsumexp(z / T) of the logits,
 * which is low where the model has seen much that is alike.
 */
export const energy = defineDetector({
  id: "energy",
  title: "Energy",
  reference: "Liu et al. 2020, arXiv:2010.03759",
  params: z.strictObject({
    ...detectorParams,
    temperature: z.number().positive().default(1),
  }),
  gradient: "exact",
  build({ b, logits }, { temperature }) {
    const cooled = b.mul(logits, 1 / temperature);
    const sum = b.op("ReduceLogSumExp", [cooled, b.ints([1])], {
      keepdims: int(0),
    });
    return b.mul(sum, -temperature);
  },
});
