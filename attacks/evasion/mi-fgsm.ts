import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { climbWithMomentum, momentumParams } from "./momentum.ts";

/**
 * Momentum iterative FGSM (Dong et al. 2018, arXiv:1710.06081): sign steps
 * along a velocity, from the sample itself.
 */
export const miFgsm = defineAttack({
  id: "mi-fgsm",
  title: "MI-FGSM",
  summary:
    "Sign steps along a velocity that gathers past gradients, from the sample itself. It was made so that examples carry over to other models.",
  caution:
    "As a measure of a model whose weights are known: it has one start and no restarts, and PGD or AutoAttack says more. For transfer through the base take base-mi-fgsm.",
  access: "gradient",
  family: "iterative",
  norms: ["linf"],
  reference: "Dong et al. 2018, arXiv:1710.06081",
  taxonomy: whiteBox,
  params: momentumParams,
  async run({ target, x, ball, params, onProgress }) {
    const tries = await climbWithMomentum({
      ...params,
      x,
      ball,
      ahead: false,
      open: () => target.open(),
      gradientAt: async (points, samples) =>
        (await target.lossGradient(points, samples)).gradient,
      onProgress,
    });
    const open = target.open();
    if (open.length > 0) await target.predict(takeRows(tries, open), open);
    return target.examples();
  },
});
