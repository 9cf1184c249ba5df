import { z } from "zod";
import { type GraphBuilder, int } from "#onnx";
import { defineDetector } from "../detector.ts";
import { denoisingAutoencoder } from "../sanitizers/denoising-autoencoder.ts";
import { magnetParams } from "./magnet.ts";

/**
 * MagNet's detector by probability divergence (Meng and Chen 2017,
 * arXiv:1705.09064): the Jensen-Shannon divergence between the model's
 * probabilities, at a temperature, for an input and for what an autoencoder of
 * clean data makes of it. The paper uses temperatures of 10 and 40 on CIFAR-10.
 */
export const magnetDivergence = defineDetector({
  id: "magnet-divergence",
  title: "MagNet probability divergence",
  summary:
    "Rejects inputs whose probabilities differ from those of what an autoencoder makes of them.",
  caution:
    "Carlini and Wagner 2017 (arXiv:1711.08478) broke it by examples on which both agree. The temperature is for models with large logits; where logits are small, all inputs look alike.",
  reference: "Meng and Chen 2017, arXiv:1705.09064",
  params: z.strictObject({
    ...magnetParams,
    temperature: z
      .number()
      .positive()
      .default(10)
      .describe("what logits are divided by"),
  }),
  gradient: "exact",
  fit: denoisingAutoencoder.fit,
  build({ b, logits, again, sanitised }, params) {
    const other = again(sanitised(denoisingAutoencoder, params));
    const cooled = (z: string) => b.mul(z, 1 / params.temperature);
    return divergence(b, cooled(logits), cooled(other));
  },
});

/** (KL(P || M) + KL(Q || M)) / 2 with M = (P + Q) / 2, [N]. */
function divergence(b: GraphBuilder, p: string, q: string): string {
  const logs = [p, q].map((z) => b.op("LogSoftmax", [z], { axis: int(-1) }));
  const shares = logs.map((log) => b.exp(log)) as [string, string];
  const middle = b.log(b.add(b.mul(b.add(...shares), 0.5), TINY));
  const terms = logs.map((log, k) => b.mul(shares[k]!, b.sub(log, middle))) as [
    string,
    string,
  ];
  return b.mul(b.reduceSum(b.add(...terms), [1]), 0.5);
}

/** Keeps the logarithm of a share that underflows finite. */
const TINY = 1e-30;
