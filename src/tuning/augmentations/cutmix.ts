import { z } from "zod";
import { distributionCriterion } from "../criteria.ts";
import {
  defineAugmentation,
  mapRows,
  mixedTargets,
  requireImages,
} from "./augmentation.ts";
import { beta } from "./beta.ts";

/**
 * CutMix (Yun et al. 2019, arXiv:1905.04899): a box of every image is replaced by
 * the same box of another of its batch, and labels are mixed by area. One box a
 * batch, whose share of the image is 1 - Beta(alpha, alpha) before it is cut at
 * the border; in a batch with the stated probability.
 */
export const cutmix = defineAugmentation({
  id: "cutmix",
  title: "CutMix",
  summary:
    "Replaces a box of each image by that of another of its batch, and mixes labels by area.",
  caution:
    "A box may hide all that a label stands for, so on small or centred objects labels become wrong. What it adds to robustness is not shown by weak attacks.",
  reference: "Yun et al. 2019, arXiv:1905.04899",
  needs: ["images", "one answer"],
  params: z.strictObject({
    alpha: z
      .number()
      .positive()
      .default(1)
      .describe("shape of the Beta distribution that shares are drawn from"),
    probability: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("how likely a batch is mixed"),
  }),
  open({ alpha, probability }, { model }) {
    const [, height, width] = requireImages("cutmix", model.contract.shape);
    return {
      criterion: distributionCriterion,
      prepare(batch, { batchRandom }) {
        const random = batchRandom.fork("cutmix");
        if (random.uniform() >= probability) return batch;
        const side = Math.sqrt(1 - beta(alpha, alpha, random));
        const [top, bottom] = span(random.below(height), side * height, height);
        const [left, right] = span(random.below(width), side * width, width);
        const share = 1 - ((bottom - top) * (right - left)) / (height * width);
        const other = random.permutation(batch.y.length);
        const size = batch.x.data.length / batch.y.length;
        const x = mapRows(batch.x, (image, i) => {
          const from = other[i]! * size;
          return image.map((v, k) => {
            const row = Math.floor(k / width) % height;
            const column = k % width;
            const inside =
              row >= top && row < bottom && column >= left && column < right;
            return inside ? batch.x.data[from + k]! : v;
          });
        });
        return { ...batch, x, targets: mixedTargets(batch, other, share) };
      },
    };
  },
});

/** A stretch of a length around a place, cut at both ends of a side. */
function span(
  middle: number,
  length: number,
  side: number,
): [from: number, to: number] {
  const half = Math.floor(length / 2);
  return [Math.max(0, middle - half), Math.min(side, middle + half)];
}
