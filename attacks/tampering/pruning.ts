import { z } from "zod";
import { erosion } from "../taxonomies.ts";
import {
  defineTampering,
  tamperingParams,
  withChangedWeights,
} from "./tampering.ts";

/**
 * Magnitude pruning: of each weight tensor of more than one axis the smallest
 * share is set to 0, without training again (Han et al. 2015, arXiv:1506.02626,
 * before its retraining).
 */
export const pruning = defineTampering({
  id: "pruning",
  title: "Magnitude pruning",
  summary:
    "Sets the smallest weights of each tensor to 0, at several shares, without training again.",
  caution:
    "Whoever prunes for deployment trains on afterwards, which brings most of the accuracy back; so this is the harm of pruning alone.",
  reference: "Han et al. 2015, arXiv:1506.02626",
  taxonomy: erosion,
  threat: "makes the released model smaller for deployment",
  unit: "pruned share",
  params: z.strictObject({
    ...tamperingParams,
    levels: z
      .array(z.number().min(0).max(1))
      .min(1)
      .default([0.2, 0.5, 0.8, 0.9])
      .describe("shares of the weights of each tensor that are set to 0"),
  }),
  levels: ({ levels }) => levels,
  async tamper({ model, level }) {
    const { constants } = model.graph;
    return withChangedWeights(model, (weight, name) => {
      // Biases are few, and no network is made smaller by them.
      if ((constants.get(name)?.dims.length ?? 0) < 2) return;
      const order = [...weight.keys()].sort(
        (a, b) => Math.abs(weight[a]!) - Math.abs(weight[b]!),
      );
      for (const i of order.slice(0, Math.round(level * weight.length)))
        weight[i] = 0;
    });
  },
});
