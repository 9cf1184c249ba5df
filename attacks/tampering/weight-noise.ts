import { z } from "zod";
import { erosion } from "../taxonomies.ts";
import {
  defineTampering,
  tamperingParams,
  withChangedWeights,
} from "./tampering.ts";

/**
 * Gaussian noise on every weight, its standard deviation a share of that of the
 * tensor (Murray and Edwards 1994; the test of Rekhi et al. 2019 for analogue
 * hardware). Nobody aims it: it is what a search for weights has to beat.
 */
export const weightNoise = defineTampering({
  id: "weight-noise",
  title: "Noise on weights",
  summary:
    "Adds Gaussian noise to every weight, at several sizes: what a search for weights has to beat.",
  caution:
    "Nobody aims it, so what withstands it says nothing of chosen changes; run bit-flips. Its deviation is a share of each tensor's own, whatever the hardware's is.",
  reference:
    "Murray and Edwards 1994, IEEE Transactions on Neural Networks 5(5)",
  taxonomy: erosion,
  threat: "disturbs the stored weights without knowing what they do",
  unit: "relative noise",
  params: z.strictObject({
    ...tamperingParams,
    levels: z
      .array(z.number().nonnegative())
      .min(1)
      .default([0.05, 0.1, 0.2, 0.5])
      .describe("standard deviation over that of the tensor"),
  }),
  levels: ({ levels }) => levels,
  async tamper({ model, level, random }) {
    return withChangedWeights(model, (weight, name) => {
      const draws = random.fork(name);
      const scale = level * deviation(weight);
      for (let i = 0; i < weight.length; i++)
        weight[i] = weight[i]! + scale * draws.normal();
    });
  },
});

function deviation(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const square = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return Math.sqrt(square / values.length);
}
