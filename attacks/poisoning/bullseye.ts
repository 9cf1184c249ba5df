import { z } from "zod";
import { copyOf, floats } from "#onnx";
import { adamFrom, adamStep } from "../evasion/adam.ts";
import { basesOf, cleanLabelTaxonomy, keepWithin } from "./clean-label.ts";
import {
  defineTargetedPoisoning,
  targetedParams,
  throughParam,
} from "./poisoning.ts";

/**
 * Bullseye Polytope (Aghakhani et al. 2021, arXiv:2005.00191, equation 4): the mean of
 * the poisons' features is moved onto the features of the target,
 * |f(t) - mean f(p_j)|^2 / |f(t)|^2, each poison within eps of a sample of the
 * wanted class in every number, by Adam with the paper's 4,000 steps at 0.04. The
 * paper averages over several surrogates with dropout for a victim whose body is
 * unknown; here the body is public, so there is one.
 *
 * It knows label sanitisation: within eps each poison stays a neighbour of its own
 * class, and only their mean is that of another.
 */
export const bullseye = defineTargetedPoisoning({
  id: "bullseye-polytope",
  title: "Bullseye Polytope",
  summary:
    "Moves the mean of the poisons' features onto those of one test sample, each poison within eps of a sample of the wanted class.",
  caution:
    "It counts on the base's features: where the body is trained along, they move away, and failure is no robustness. Success is counted over few targets, so look at the interval.",
  reference: "Aghakhani et al. 2021, arXiv:2005.00191",
  taxonomy: cleanLabelTaxonomy,
  threat:
    "changes some samples of one class within eps and leaves labels alone; holds the public base and the target",
  params: z.strictObject({
    ...targetedParams,
    through: throughParam,
    eps: z
      .number()
      .positive()
      .default(0.1)
      .describe("most change of a number of an input"),
    steps: z.int().positive().default(4000).describe("steps of Adam"),
    rate: z.number().positive().default(0.04).describe("learning rate of Adam"),
  }),
  async poison({ train, count, aim, params, random, bounds, ...has }) {
    const { rows, x, y } = basesOf(train, aim.to, count, random);
    const map = await has.features(params.through);
    const goal = (await map.of(aim.x)).data;
    const length = goal.reduce((sum, v) => sum + v * v, 0) || 1;
    const n = rows.length;
    const p = copyOf(x);
    let adam = adamFrom(p.data);
    for (let step = 0; step < params.steps; step++) {
      has.onProgress(step / params.steps);
      const features = (await map.of(p)).data;
      const off = Float32Array.from(goal, (v, k) => {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += features[i * map.width + k]!;
        return (2 * (sum / n - v)) / (n * length);
      });
      const weights = floats(
        [n, map.width],
        features.map((_, k) => off[k % map.width]!),
      );
      const slope = await map.pullBack(p, weights);
      adam = adamStep(adam, slope.data, params.rate);
      keepWithin(p.data, x.data, params.eps, bounds);
    }
    return { rows, x: p, y };
  },
});
