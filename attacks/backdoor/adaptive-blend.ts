import { z } from "zod";
import { takeRows } from "#onnx";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { blend, patternOf, plantWithCovers } from "./planting.ts";

/**
 * Adaptive-Blend (Qi et al. 2023, arXiv:2205.13613), which knows defences that look for
 * a cluster of poisons among the features: each poison carries a random half of the
 * pieces of a blended pattern, weaker than the trigger of test samples, and as many
 * covers carry pieces too and keep their labels, so that features of poisons and clean
 * samples are not apart. Alphas, pieces and the share of covers are the paper's. The
 * pattern is random, where theirs is a picture.
 */
export const adaptiveBlend = defineDataBackdoor({
  id: "adaptive-blend",
  title: "Adaptive-Blend",
  summary:
    "Poisons carry a random half of a blended pattern, and covers that carry some of it keep their labels, so that features of poisons do not form a cluster.",
  caution:
    "It knows filters by features and STRIP, and nothing of other defences. The pattern is random, where theirs is a picture, so success is not that of the paper.",
  reference: "Qi et al. 2023, arXiv:2205.13613",
  threat:
    "knows that features are searched for poisons, labels samples with parts of a pattern as the target, and covers them by others with right labels",
  params: z.strictObject({
    ...plantingParams,
    alpha: z
      .number()
      .positive()
      .max(1)
      .default(0.2)
      .describe("opacity on test samples"),
    plantedAlpha: z
      .number()
      .positive()
      .max(1)
      .default(0.15)
      .describe("opacity on poisons and covers"),
    pieces: z
      .int()
      .positive()
      .default(4)
      .describe("pieces along each side of the image"),
    carried: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe("share of the pieces that poisons and covers carry"),
    coverRatio: z
      .number()
      .nonnegative()
      .default(1)
      .describe("covers for each poison"),
  }),
  async plant(input) {
    const { train, random, params } = input;
    const { alpha, plantedAlpha, pieces, carried } = params;
    const shape = imageShape("adaptive-blend", train.x);
    const [, height, width] = shape;
    const key = patternOf(shape, random.fork("key"));
    const pieceOf = (r: number, c: number) =>
      Math.floor((r * pieces) / height) * pieces +
      Math.floor((c * pieces) / width);
    const part = (rows: readonly number[]) => {
      const shown = rows.map((row) => {
        const order = random.fork(`pieces ${row}`).permutation(pieces ** 2);
        return new Set(order.slice(0, Math.ceil(carried * order.length)));
      });
      return blend(takeRows(train.x, rows), key, (i, r, c) =>
        shown[i]?.has(pieceOf(r, c)) ? plantedAlpha : 0,
      );
    };
    return plantWithCovers(input, params.coverRatio, {
      trigger: (x) => blend(x, key, () => alpha),
      poison: part,
      cover: part,
    });
  },
});
