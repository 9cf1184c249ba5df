import { z } from "zod";
import type { FloatTensor } from "#onnx";
import { defineRestore } from "./repair.ts";
import { type Matrix, movedWeights } from "./update.ts";

/**
 * Random perturbation after training: noise in every weight that a training changed,
 * `scale` times as long as the change. Wang et al. 2025 (Panacea, arXiv:2501.18100)
 * find that noise by itself brings refusals back, at a cost: it is the cheap baseline,
 * and the control of every other repair. The scale is ours.
 */
export const randomPerturbation = defineRestore({
  id: "random-perturbation",
  title: "Random perturbation",
  summary:
    "Adds random noise to what a training changed, as long as the change: what a repair has to beat.",
  caution:
    "What it takes from forbidden answers it takes from allowed ones too: look at both.",
  reference: "Wang et al. 2025, arXiv:2501.18100",
  params: z.strictObject({
    scale: z
      .number()
      .positive()
      .default(1)
      .describe("length of the noise, over that of the change of each weight"),
  }),
  async restore({ model, released, params: { scale }, random }) {
    const constants = new Map(model.graph.constants);
    for (const name of movedWeights(model, released)) {
      const now = constants.get(name) as FloatTensor;
      const then = released.graph.constants.get(name) as FloatTensor;
      const drawn = random.fork(name);
      const noise = Float64Array.from(now.data, () => drawn.normal());
      const moved = lengthOf(now.data.map((v, i) => v - then.data[i]!));
      const factor = (scale * moved) / lengthOf(noise);
      const data = now.data.map((v, i) => v + factor * noise[i]!);
      constants.set(name, { ...now, data });
    }
    return { ...model, graph: { ...model.graph, constants } };
  },
});

const lengthOf = (vector: Float32Array | Matrix["data"]): number => {
  let squares = 0;
  for (const v of vector) squares += v * v;
  return Math.sqrt(squares);
};
