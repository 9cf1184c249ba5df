import { z } from "zod";
import { numberOrFraction } from "#core";
import { layerGroups, type Model, openMatcher } from "#model";
import { copyOf } from "#onnx";
import { adamFrom, adamStep } from "../evasion/adam.ts";
import { basesOf, cleanLabelTaxonomy, keepWithin } from "./clean-label.ts";
import { defineTargetedPoisoning, targetedParams } from "./poisoning.ts";

/**
 * After which shares of the steps the rate falls to a tenth, as in the authors' code.
 */
const DROPS = [1 / 2.667, 1 / 1.6, 1 / 1.142];

/**
 * Witches' Brew (Geiping et al. 2021, arXiv:2009.02276): poisons whose gradient points
 * where that of the target with the wanted label does, so that learning them is
 * learning it: 1 - cosine between the two gradients of a surrogate's weights, descended
 * by Adam on the signs of its gradient, within eps of samples of the wanted class; of
 * several restarts the best by that loss. Defaults are the paper's (eps 16/255, 250
 * steps, 8 restarts). Its step of 0.1 is in standardised pixels, whose eps is 0.25.
 * `relStepSize` is the share of eps. Left out: its differentiable augmentation, and
 * surrogates other than one.
 *
 * `weights: head` matches the gradient of the last layer alone: all there is where
 * the body is frozen, and a cheaper, weaker form elsewhere.
 */
export const witchesBrew = defineTargetedPoisoning({
  id: "witches-brew",
  title: "Witches' Brew: gradient matching",
  summary:
    "Changes samples of the wanted class within eps so that the gradient of learning them is that of learning the target with the wrong label.",
  caution:
    "Without the paper's augmentation and its several surrogates it is weaker than published. One target is one fine-tuning, so targets are few and the interval wide. `weights: head` is weaker where the body is trained.",
  reference: "Geiping et al. 2021, arXiv:2009.02276",
  taxonomy: cleanLabelTaxonomy,
  threat:
    "changes some samples of one class within eps and leaves labels alone; holds the base, the clean set and the target, and tunes a model at home",
  params: z.strictObject({
    ...targetedParams,
    eps: numberOrFraction
      .default(16 / 255)
      .describe("most change of a number of an input"),
    steps: z.int().positive().default(250).describe("steps of each restart"),
    restarts: z
      .int()
      .positive()
      .default(8)
      .describe("starts, of which the best by the loss counts"),
    relStepSize: z
      .number()
      .positive()
      .default(0.4)
      .describe("step size as a share of eps"),
    weights: z
      .enum(["all", "head"])
      .default("all")
      .describe("of which the gradient is matched"),
  }),
  async poison({ train, count, aim, params, random, bounds, ...has }) {
    const { rows, x, y } = basesOf(train, aim.to, count, random);
    const { eps, steps, restarts } = params;
    const model = await has.surrogate();
    const matcher = await openMatcher(
      model,
      weightsOf(model, params.weights),
      rows.length,
      has.engine,
    );
    const wanted = await matcher.gradients(aim.x, Int32Array.of(aim.to));
    let best = { loss: Number.POSITIVE_INFINITY, x };
    for (let restart = 0; restart < restarts; restart++) {
      const draw = random.fork(`restart ${restart}`);
      const p = copyOf(x);
      for (let k = 0; k < p.data.length; k++)
        p.data[k]! += (2 * draw.uniform() - 1) * eps;
      keepWithin(p.data, x.data, eps, bounds);
      let adam = adamFrom(p.data);
      for (let step = 0; step <= steps; step++) {
        has.onProgress((restart + step / (steps + 1)) / restarts);
        const { loss, slope } = await matcher.match(p, y, wanted);
        // The last is only looked at.
        if (step === steps) {
          if (loss < best.loss) best = { loss, x: copyOf(p) };
          break;
        }
        const drops = DROPS.filter((share) => step >= share * steps).length;
        adam = adamStep(
          adam,
          slope.data.map(Math.sign),
          params.relStepSize * eps * 0.1 ** drops,
        );
        keepWithin(p.data, x.data, eps, bounds);
      }
    }
    await matcher.release();
    return { rows, x: best.x, y };
  },
});

const weightsOf = ({ graph }: Model, which: "all" | "head"): string[] =>
  layerGroups(graph)
    .slice(which === "head" ? -1 : 0)
    .flatMap((group) => group.parameters);
