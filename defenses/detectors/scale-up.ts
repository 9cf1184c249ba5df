import { z } from "zod";
import { int } from "#onnx";
import { probabilityOf } from "#tuning";
import { defineDetector, detectorParams } from "../detector.ts";

/**
 * SCALE-UP (Guo et al. 2023, arXiv:2302.03251), without data: a trigger still
 * decides when all pixels are multiplied and clipped, so predictions of the multiples
 * agree with that of the image. The score is the mean probability of the predicted
 * class over the multiples, where the paper counts those that agree: the same in
 * tendency, and with a gradient that adaptive attacks can follow. The multiples are
 * the authors' 3, 5, 7, 9 and 11.
 */
export const scaleUp = defineDetector({
  id: "scale-up",
  title: "SCALE-UP",
  summary:
    "Rejects inputs whose predictions stay the same when all pixels are multiplied, as a trigger makes them.",
  caution:
    "Made against backdoors: triggers that multiplying and clipping destroys, such as faint patterns and warps, pass. Inputs whose 0 is not black are multiplied to something else.",
  reference: "Guo et al. 2023, arXiv:2302.03251",
  params: z.strictObject({
    ...detectorParams,
    multiples: z
      .array(z.number().positive())
      .min(1)
      .default([3, 5, 7, 9, 11])
      .describe("what the image is multiplied by"),
  }),
  gradient: "exact",
  build({ b, x, logits, model, again }, { multiples }) {
    const [low, high] = model.contract.bounds;
    const scaled = multiples.map((by) =>
      b.op("Clip", [b.mul(x, by), b.scalar(low), b.scalar(high)]),
    );
    const all = again(
      b.op("Concat", scaled, { axis: int(0) }),
      multiples.length,
    );
    const said = b.op("ArgMax", [logits], { axis: int(1), keepdims: int(0) });
    const wanted = b.op(
      "Concat",
      multiples.map(() => said),
      { axis: int(0) },
    );
    const sure = probabilityOf(b, all, wanted);
    const each = b.reshape(sure, [multiples.length, -1]);
    return b.op("ReduceMean", [each, b.ints([0])], { keepdims: int(0) });
  },
});
