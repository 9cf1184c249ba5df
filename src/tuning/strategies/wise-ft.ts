import { z } from "zod";
import { interpolated } from "./interpolate.ts";
import { defineStrategy, probeThenAll } from "./strategy.ts";

/**
 * Weight-space ensemble of the base and what was fine-tuned from it (WiSE-FT, Wortsman
 * et al. 2022, arXiv:2109.01903): (1 - alpha) of the weights of the base under its new
 * head, as linear probing left them, and alpha of those of full fine-tuning from there.
 * The paper's base has a zero-shot head. One that was pre-trained on other classes has
 * none, so its head is the linear probe.
 */
export const wiseFt = defineStrategy({
  id: "wise-ft",
  title: "Interpolation between base and fine-tuned (WiSE-FT)",
  summary:
    "Mixes the weights of the base under its linear probe with those of full fine-tuning from there.",
  caution:
    "Weights on a line between the two are good only where training stayed near: after many epochs or large rates the mixture may be worse than both. Normalisation statistics are mixed too.",
  reference: "Wortsman et al. 2022, arXiv:2109.01903",
  params: z.strictObject({
    alpha: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("weight of what was fine-tuned, beside the base"),
    probe: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.5)
      .describe("share of the epochs for the head alone"),
  }),
  form: (model, groups, { alpha }) => ({
    model,
    groups,
    restore: (tuned, probed) => interpolated(probed, tuned, alpha),
  }),
  stages: (groups, epochs, { probe }) =>
    probeThenAll("wise-ft", groups, epochs, probe, 1),
});
