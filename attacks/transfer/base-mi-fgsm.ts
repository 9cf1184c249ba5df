import { z } from "zod";
import { argmaxRows } from "#model";
import { defineAttack } from "../attack.ts";
import { climbWithMomentum, momentumParams } from "../evasion/momentum.ts";
import { changed, drawChange } from "./diversity.ts";
import { smoothed } from "./smoothing.ts";
import { surrogateNeeds, surrogateParam, throughBase } from "./surrogate.ts";

/**
 * MI-FGSM on the public base (Dong et al. 2018, arXiv:1710.06081), replayed on
 * the candidate, with diverse inputs (DI, Xie et al. 2019, arXiv:1803.06978)
 * and translation-invariant gradients (TI, Dong et al. 2019, arXiv:1904.02884),
 * which carry over better; both need images. Leads away from the class that
 * the base sees.
 *
 * TI's kernel is 15x15 in the paper, for images of 299 pixels; here the default
 * is 5, since it has to stay small beside the image.
 */
export const baseMiFgsm = defineAttack({
  id: "base-mi-fgsm",
  title: "MI-DI-TI-FGSM through the base",
  summary:
    "MI-FGSM on the public base, over inputs that are resized at random and gradients that are smoothed, replayed on the candidate.",
  caution:
    "A high number says only that this transfer failed. The kernel and the resizing were made for large images; on small ones they may cost more than they bring, so compare base-pgd.",
  access: "base",
  needsFor: surrogateNeeds,
  family: "transfer",
  norms: ["linf"],
  reference: "Dong et al. 2019, arXiv:1904.02884",
  taxonomy: throughBase,
  params: momentumParams.extend({
    surrogate: surrogateParam,
    diversity: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        "the probability that an input is resized and padded; 0 is MI-FGSM",
      ),
    resizeTo: z
      .number()
      .positive()
      .max(1)
      .default(0.9)
      .describe("the least size that it is resized to, as a share"),
    kernel: z
      .int()
      .positive()
      .refine((size) => size % 2 === 1, { message: "state an odd size" })
      .default(5)
      .describe("size of the Gaussian kernel, odd; 1 for none"),
  }),
  async run({ target, x, ball, params, random, onProgress }) {
    const { base } = target;
    const all = Array.from({ length: x.dims[0] ?? 0 }, (_, i) => i);
    const labels = argmaxRows(await base.scores(x, all));
    const shape = x.dims.slice(1);
    const image = shape.length === 3;
    const streams = random.map((stream) => stream.fork("diversity"));
    return climbWithMomentum({
      ...params,
      x,
      ball,
      ahead: false,
      open: () => all,
      async gradientAt(points) {
        const changes = all.map((i) =>
          image
            ? drawChange(
                shape,
                { probability: params.diversity, least: params.resizeTo },
                streams[i]!,
              )
            : null,
        );
        const { gradient } = await base.lossGradient(
          changed(points, changes, "apply"),
          all,
          { labels },
        );
        return smoothed(
          changed(gradient, changes, "adjoint"),
          image ? params.kernel : 1,
        );
      },
      onProgress,
    });
  },
});
