import { z } from "zod";
import { coordinates, principal } from "../principal.ts";
import { byClass, featuresOf, without } from "./class-features.ts";
import { silhouette, twoMeans } from "./clusters.ts";
import { defineFilter } from "./repair.ts";

/**
 * Activation clustering (Chen et al. 2018, arXiv:1811.03728): the features of each
 * class are projected to ten directions and split in two by k-means. The smaller part
 * is left out where it is less than `size` of the class and the two are as far apart as
 * a silhouette of `silhouette` says. The paper offers both signs one by one, and a
 * third by retraining without a part; here both have to hold, as in ART. Directions are
 * principal components, where the paper prefers independent ones.
 */
export const activationClustering = defineFilter({
  id: "activation-clustering",
  title: "Activation clustering",
  summary:
    "Splits the features of each class in two, and leaves the smaller part out where it is small and far apart.",
  caution:
    "Poisons that are more than `size` of a class, or whose features are covered (adaptive-blend, adaptive-patch), escape. A class that has two kinds of samples loses one.",
  reference: "Chen et al. 2018, arXiv:1811.03728",
  needs: ["one class"],
  params: z.strictObject({
    directions: z
      .int()
      .positive()
      .default(10)
      .describe("principal components that features are projected on"),
    size: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.35)
      .describe("share of a class below which its smaller part is suspected"),
    silhouette: z
      .number()
      .min(-1)
      .max(1)
      .default(0.1)
      .describe("how far apart the two parts have to be, from -1 to 1"),
  }),
  async filter({ params, random, ...input }) {
    const { engine, train } = input;
    const gone = new Set<number>();
    for (const { rows, features } of byClass(await featuresOf(input), train)) {
      // Two parts of two samples each, at least.
      if (rows.length < 4) continue;
      const [n = 0, width = 0] = features.dims;
      const count = Math.min(params.directions, width, n - 1);
      const draw = random.fork("directions");
      const found = await principal(features, count, engine, draw);
      const points = coordinates(features, found);
      const side = twoMeans(points, random.fork("means"));
      const ones = side.filter((s) => s === 1).length;
      const small = ones * 2 <= rows.length ? 1 : 0;
      const size = Math.min(ones, rows.length - ones) / rows.length;
      if (size === 0 || size >= params.size) continue;
      if (silhouette(points, side) <= params.silhouette) continue;
      rows.forEach((row, i) => {
        if (side[i] === small) gone.add(row);
      });
    }
    return without(train, gone);
  },
});
