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
  summary:
    "Rejects inputs whose logits together are low, which speaks of something the model has not seen.",
  caution:
    "An adversarial example may have very high logits and so look familiar. It was made for other data than the model's, not for attacks; only adaptive attacks say what it stops.",
  reference: "Liu et al. 2020, arXiv:2010.03759",
  params: z.strictObject({
    ...detectorParams,
    temperature: z
      .number()
      .positive()
      .default(1)
      .describe("what logits are divided by"),
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
