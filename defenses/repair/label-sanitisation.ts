import { z } from "zod";
import { dataset } from "#data";
import { evaluate, flat, penultimate } from "#model";
import { defineFilter } from "./repair.ts";

/**
 * Label sanitisation (Paudice, Muñoz-González and Lupu 2018, arXiv:1803.00992,
 * algorithm 1): a sample gets the label that most of its k nearest neighbours
 * have, where at least a share `eta` of them agrees; their defaults are k = 10 and
 * eta = 0.5. Distances are Euclidean between the features that the head of the
 * candidate reads, where the paper, whose classifiers are linear, takes inputs.
 */
export const labelSanitisation = defineFilter({
  id: "label-sanitisation",
  title: "Label sanitisation by nearest neighbours",
  reference: "Paudice et al. 2018, arXiv:1803.00992",
  params: z.strictObject({
    k: z.int().positive().default(10),
    eta: z.number().min(0).max(1).default(0.5),
  }),
  async filter({ model, engine, train, params: { k, eta } }) {
    const [features] = await evaluate(model, engine, train.x, (b) => [
      flat(b, penultimate(model)),
    ]);
    if (!features) throw new Error("one value was asked for");
    const near = nearest(features.data, train.y.length, k);
    const y = Int32Array.from(train.y, (own, i) => {
      const votes = train.classes.map(() => 0);
      for (const j of near[i] as number[]) {
        const label = train.y[j] as number;
        votes[label] = (votes[label] as number) + 1;
      }
      const most = Math.max(...votes);
      return most / k >= eta ? votes.indexOf(most) : own;
    });
    return dataset(train.name, train.x, y, train.classes);
  },
});

/** The k nearest other rows of each row. */
function nearest(data: Float32Array, n: number, k: number): number[][] {
  const width = data.length / n;
  return Array.from({ length: n }, (_, i) => {
    const distances = Float64Array.from({ length: n }, (_, j) => {
      if (j === i) return Infinity;
      let sum = 0;
      for (let d = 0; d < width; d++)
        sum +=
          ((data[i * width + d] as number) - (data[j * width + d] as number)) **
          2;
      return sum;
    });
    return Array.from({ length: n }, (_, j) => j)
      .sort((a, b) => (distances[a] as number) - (distances[b] as number))
      .slice(0, k);
  });
}
