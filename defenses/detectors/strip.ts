import { z } from "zod";
import { AssayError } from "#core";
import { int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";
import { some } from "./some.ts";

/**
 * STRIP (Gao et al. 2019, arXiv:1902.06531): a trigger still decides when the
 * image is blended with others, so the mean entropy of the predictions over
 * blends with clean images is low. The score is its negative, in bits. Made
 * against backdoors, with a false-positive rate of 1 %.
 */
export const strip = defineDetector({
  id: "strip",
  title: "STRIP",
  summary:
    "Rejects inputs whose predictions stay the same when they are blended with clean images, as a trigger makes them.",
  caution:
    "Made against backdoors whose trigger survives blending: a trigger that depends on the whole image (wanet) or is learned with covers (adaptive-blend) passes. It says little of adversarial examples.",
  reference: "Gao et al. 2019, arXiv:1902.06531",
  needs: ["images"],
  params: z.strictObject({
    ...detectorParams,
    fpr: detectorParams.fpr
      .unwrap()
      .default(0.01)
      .describe(
        "share of clean validation samples that the threshold lets be flagged",
      ),
    blends: z
      .int()
      .positive()
      .default(100)
      .describe("training images that each input is blended with"),
    alpha: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe("share of the other image in a blend"),
  }),
  gradient: "exact",
  async fit({ train, random }, { blends }) {
    const { x } = some(train, blends, random.fork("blends"));
    return new Map([["images", x]]);
  },
  build({ b, x, model, fitted, again }, { alpha }) {
    const images = fitted("images");
    const { shape } = model.contract;
    if (shape.length !== 3)
      throw new AssayError(
        "DEFENSE_INPUT",
        `STRIP blends images [C, H, W], the model takes [${shape.join(", ")}]`,
        "Leave this defence out for this model.",
      );
    const count = images.dims[0] ?? 1;
    // [count, N, ...]: one batch after the other.
    const own = b.unsqueeze(b.mul(x, 1 - alpha), [0]);
    const others = b.mul(b.unsqueeze(b.constant(images), [1]), alpha);
    const blended = b.reshape(b.add(own, others), [-1, ...shape]);
    const logits = again(blended, count);
    const logs = b.op("LogSoftmax", [logits], { axis: int(-1) });
    const terms = b.mul(b.exp(logs), logs);
    const negative = b.mul(b.reduceSum(terms, [1]), 1 / Math.LN2);
    const each = b.reshape(negative, [count, -1]);
    return b.op("ReduceMean", [each, b.ints([0])], { keepdims: int(0) });
  },
});
