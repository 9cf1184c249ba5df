import { z } from "zod";
import { coordinates, principal } from "../principal.ts";
import { byClass, featuresOf, without } from "./class-features.ts";
import { defineFilter } from "./repair.ts";

/**
 * Spectral signatures (Tran, Li and Madry 2018, arXiv:1811.00636, algorithm 1): of
 * each class the samples are left out whose features lie farthest from the class's
 * mean along the first right singular vector of what is left when the mean is
 * taken away, ((h - mean) v)^2: 1.5 `epsilon` of its samples, which is lost
 * of clean data as well. The paper bounds the poisons of a class by 5 or 10 %.
 */
export const spectralSignatures = defineFilter({
  id: "spectral-signatures",
  title: "Spectral signatures",
  summary:
    "Leaves out the samples of each class that lie farthest along the main direction in which its features vary.",
  caution:
    "It takes as many clean samples where there is no poison. Poisons whose features are spread (adaptive-blend, adaptive-patch) or that are more than `epsilon` of a class escape.",
  reference: "Tran et al. 2018, arXiv:1811.00636",
  needs: ["one class"],
  params: z.strictObject({
    epsilon: z
      .number()
      .positive()
      .max(0.6)
      .default(0.1)
      .describe("most poisons of a class, as a share"),
    factor: z
      .number()
      .positive()
      .default(1.5)
      .describe("how many times epsilon is left out"),
  }),
  async filter({ params: { epsilon, factor }, random, ...input }) {
    const { engine, train } = input;
    const gone = new Set<number>();
    for (const { rows, features } of byClass(await featuresOf(input), train)) {
      const draw = random.fork("direction");
      const first = await principal(features, 1, engine, draw);
      const scores = coordinates(features, first).data.map((v) => v ** 2);
      const order = [...rows.keys()].sort((a, b) => scores[b]! - scores[a]!);
      // The last sample of a class is never left out.
      const most = Math.min(
        rows.length - 1,
        Math.floor(factor * epsilon * rows.length),
      );
      for (const i of order.slice(0, most)) gone.add(rows[i]!);
    }
    return without(train, gone);
  },
});
