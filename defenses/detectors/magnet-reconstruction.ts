import { z } from "zod";
import { int } from "#onnx";
import { defineDetector } from "../detector.ts";
import { denoisingAutoencoder } from "../sanitizers/denoising-autoencoder.ts";
import { magnetParams } from "./magnet.ts";

/**
 * MagNet's detector by reconstruction error (Meng and Chen 2017,
 * arXiv:1705.09064): how far an input is from what an autoencoder of clean data
 * makes of it, as the mean of |x - AE(x)|^p over its numbers. The false-positive
 * rate is the paper's for MNIST.
 */
export const magnetReconstruction = defineDetector({
  id: "magnet-reconstruction",
  title: "MagNet reconstruction error",
  summary:
    "Rejects inputs that an autoencoder of clean data does not give back well.",
  caution:
    "Carlini and Wagner 2017 (arXiv:1711.08478) broke it by examples that are reconstructed well. On natural images a small autoencoder gives clean ones back badly too, and the threshold lets much through.",
  reference: "Meng and Chen 2017, arXiv:1705.09064",
  params: z.strictObject({
    ...magnetParams,
    p: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .describe("power of the differences"),
  }),
  gradient: "exact",
  fit: denoisingAutoencoder.fit,
  build({ b, x, model, sanitised }, params) {
    const apart = b.sub(x, sanitised(denoisingAutoencoder, params));
    const error = params.p === 1 ? b.abs(apart) : b.mul(apart, apart);
    const axes = model.contract.shape.map((_, i) => i + 1);
    return b.op("ReduceMean", [error, b.ints(axes)], { keepdims: int(0) });
  },
});
