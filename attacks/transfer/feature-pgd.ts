import { defineAttack } from "../attack.ts";
import { pgdParams } from "../evasion/pgd.ts";
import {
  cutParam,
  surrogateNeeds,
  surrogateParam,
  throughBase,
} from "./surrogate.ts";

/**
 * Features pushed away from the clean ones: projected ascent on the squared L2
 * distance between the features at a cut of the public base and those of the
 * sample (NRDM, Naseer et al. 2018, arXiv:1811.09020), replayed on the
 * candidate. It needs neither the base's head nor labels.
 *
 * The paper takes one layer of VGG-16; here it is a parameter. From a random
 * start, since the distance has no slope at the sample itself.
 */
export const featurePgd = defineAttack({
  id: "feature-pgd",
  title: "Feature PGD through the base",
  summary:
    "Pushes the features at a cut of the public base as far as possible from those of the sample, and replays the result on the candidate. It needs neither labels nor the base's head.",
  caution:
    "It depends on the cut: try several. A candidate whose features moved in fine-tuning withstands it without being robust.",
  access: "base",
  needsFor: surrogateNeeds,
  family: "transfer",
  norms: ["linf", "l2", "l1"],
  reference: "Naseer et al. 2018, arXiv:1811.09020",
  taxonomy: throughBase,
  params: pgdParams.pick({ steps: true, relStepSize: true }).extend({
    surrogate: surrogateParam,
    cut: cutParam
      .optional()
      .describe("where features are taken; what the head reads when left out"),
  }),
  async run({ target, x, ball, params, random, onProgress }) {
    const { steps, relStepSize, cut } = params;
    const features = await target.base.featuresAt(cut);
    const all = Array.from({ length: x.dims[0] ?? 0 }, (_, i) => i);
    const clean = await features.values(x, all);
    let tries = ball.randomPoint(x, random);
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const { gradient } = await features.distance(tries, all, clean);
      tries = ball.project(
        x,
        ball.ascend(tries, gradient, ball.eps * relStepSize),
      );
    }
    return tries;
  },
});
