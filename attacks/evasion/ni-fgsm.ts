import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { climbWithMomentum, momentumParams } from "./momentum.ts";
import { overScales } from "./scaled.ts";

/**
 * Nesterov iterative FGSM (Lin et al. 2020, arXiv:1908.06281): momentum whose
 * gradient is taken where the velocity leads; with `scales` above 1 the mean
 * over scaled copies (SI-NI-FGSM, of which the paper takes 5). A sample's
 * values are scaled as the model gets them, which the paper does on [0, 1].
 */
export const niFgsm = defineAttack({
  id: "ni-fgsm",
  title: "NI-FGSM",
  summary:
    "MI-FGSM whose gradient is taken where the velocity leads, and, with `scales` above 1, over copies of the sample that are scaled down.",
  caution:
    "It was made for transfer and has one start, so alone it measures no robustness. Scaled copies mean little where the value 0 is not black, as in tables and in images that are standardised before the model.",
  access: "gradient",
  family: "iterative",
  norms: ["linf"],
  reference: "Lin et al. 2020, arXiv:1908.06281",
  taxonomy: whiteBox,
  params: momentumParams.extend({
    scales: z
      .int()
      .positive()
      .default(1)
      .describe(
        "copies of the sample that gradients are averaged over, each half as bright as the one before; 5 in the paper",
      ),
  }),
  async run({ target, x, ball, params, onProgress }) {
    const { scales } = params;
    const tries = await climbWithMomentum({
      ...params,
      x,
      ball,
      ahead: true,
      open: () => target.open(scales),
      gradientAt: (points, samples) =>
        overScales(
          points,
          scales,
          async (copies) =>
            (await target.lossGradient(copies, samples)).gradient,
        ),
      onProgress,
    });
    const open = target.open();
    if (open.length > 0) await target.predict(takeRows(tries, open), open);
    return target.examples();
  },
});
