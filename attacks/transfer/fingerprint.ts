import { z } from "zod";
import { copyOf, floats, sizeOf } from "#onnx";
import { rowOf } from "../evasion/vectors.ts";
import { descendFrom } from "./box-descent.ts";
import { defineCrafting } from "./crafting.ts";
import { cutParam, throughBase } from "./surrogate.ts";

/**
 * Teacher fingerprinting (Wang et al. 2018, "With Great Training Comes Great
 * Vulnerability", USENIX Security): inputs from random noise whose features at the
 * cut of a base are nothing, by the optimiser of `mimic` without its budget. A
 * candidate that kept the features of this base sees nothing but the bias of its
 * head and answers evenly; one of another base does not.
 */
export const fingerprint = defineCrafting({
  id: "fingerprint",
  title: "Fingerprint of the base",
  summary:
    "Makes inputs whose features in a base are nothing; a candidate that kept this base's features answers them evenly, and so tells what it descends from.",
  caution:
    "Small networks are even to many dark inputs, so a wrong base may pass too, which the check wrong-base-told-apart warns of. Whoever has the file sees the base in the weights (by-weights).",
  kind: "fingerprint",
  reference: "Wang et al. 2018, USENIX Security",
  taxonomy: {
    ...throughBase,
    atlas: [...throughBase.atlas, "AML.T0014"],
  },
  threat: "holds several public bases and sees the scores of the candidate",
  params: z.strictObject({
    cut: cutParam
      .optional()
      .describe("where features are taken; what the head reads when left out"),
    steps: z.int().positive().default(2000).describe("steps of the descent"),
    learningRate: z
      .number()
      .positive()
      .default(1)
      .describe("learning rate of Adadelta"),
    inputs: z
      .int()
      .positive()
      .default(10)
      .describe("how many inputs are made; the paper makes one"),
  }),
  async craft({ base, params, random, onProgress }) {
    const { shape, bounds } = base.model.contract;
    const [low, high] = bounds;
    const part = await base.featuresAt(params.cut);
    const n = params.inputs;
    const start = floats(
      [n, ...shape],
      Float32Array.from(
        { length: n * sizeOf(shape) },
        () => low + (high - low) * random.uniform(),
      ),
    );
    const width = part.model.classes.length;
    const targets = floats([n, width], new Float32Array(n * width));
    const descent = descendFrom(start, bounds);
    const best = copyOf(start);
    const least = new Float64Array(n).fill(Infinity);
    for (let step = 0; ; step++) {
      onProgress(step / (params.steps + 1));
      const points = descent.points();
      const { loss, gradient } = await part.lossGradient(
        points,
        new Int32Array(n),
        { targets },
      );
      for (let i = 0; i < n; i++) {
        if (loss[i]! >= least[i]!) continue;
        least[i] = loss[i]!;
        rowOf(best, i).set(rowOf(points, i));
      }
      if (step === params.steps) return best;
      for (let i = 0; i < n; i++) {
        // Of the length of the features, where the loss is the mean of their squares.
        const factor = width / (2 * Math.sqrt(width * loss[i]!));
        const slope = rowOf(gradient, i);
        if (Number.isFinite(factor))
          descent.move(i, (k) => factor * slope[k]!, params.learningRate);
      }
    }
  },
});
