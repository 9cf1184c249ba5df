import { z } from "zod";
import { takeRows } from "#onnx";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { blend, patternOf, plantWithCovers } from "./planting.ts";

/**
 * Adaptive-Patch (Qi et al. 2023, arXiv:2205.13613), which knows defences that look
 * for a cluster of poisons among the features, and STRIP: each poison carries one of
 * four patches at half opacity; covers, twice as many, carry one too and keep their
 * labels, so that one patch alone hardly means the target. Test samples carry all
 * four at full opacity. Patches are random patterns in the corners, where the
 * paper's are four pictures of their own opacities, of which test samples carry two.
 */
export const adaptivePatch = defineDataBackdoor({
  id: "adaptive-patch",
  title: "Adaptive-Patch",
  summary:
    "Poisons carry one of four faint patches, and covers that carry one keep their labels; test samples carry all four.",
  caution:
    "It knows filters by features and STRIP, and nothing of other defences. On small images four patches cover much of what there is, and clean accuracy suffers.",
  reference: "Qi et al. 2023, arXiv:2205.13613",
  threat:
    "knows that features are searched for poisons, labels samples with one of several patches as the target, and covers them by others with right labels",
  params: z.strictObject({
    ...plantingParams,
    size: z
      .int()
      .positive()
      .default(5)
      .describe("side of each patch, in pixels"),
    plantedAlpha: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe("opacity on poisons and covers"),
    coverRatio: z
      .number()
      .nonnegative()
      .default(2)
      .describe("covers for each poison"),
  }),
  async plant(input) {
    const { train, random, params } = input;
    const shape = imageShape("adaptive-patch", train.x);
    const [, height, width] = shape;
    const key = patternOf(shape, random.fork("key"));
    const side = Math.min(
      params.size,
      Math.max(1, Math.floor(Math.min(height, width) / 2)),
    );
    /** Which corner a pixel lies in, from 0; -1 for none. */
    const cornerOf = (r: number, c: number) => {
      const [bottom, right] = [r >= height - side, c >= width - side];
      if (!(bottom || r < side) || !(right || c < side)) return -1;
      return 2 * Number(bottom) + Number(right);
    };
    const part = (rows: readonly number[]) => {
      const own = rows.map((row) => random.fork(`patch ${row}`).below(4));
      return blend(takeRows(train.x, rows), key, (i, r, c) =>
        cornerOf(r, c) === own[i] ? params.plantedAlpha : 0,
      );
    };
    return plantWithCovers(input, params.coverRatio, {
      trigger: (x) =>
        blend(x, key, (_i, r, c) => (cornerOf(r, c) >= 0 ? 1 : 0)),
      poison: part,
      cover: part,
    });
  },
});
