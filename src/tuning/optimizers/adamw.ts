import { z } from "zod";
import { loopsFor } from "./compiled.ts";
import { defineOptimizer } from "./optimizer.ts";

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101). */
export const adamw = defineOptimizer({
  id: "adamw",
  title: "AdamW",
  summary: "Adam with decoupled weight decay.",
  caution:
    "Weight decay pulls towards zero, not towards the base, which l2-sp and decay-to-base do. It is not what most papers of adversarial training use, so their rates do not hold.",
  reference: "Loshchilov and Hutter 2019, arXiv:1711.05101",
  params: z.strictObject({
    beta1: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .describe("what is kept of the mean of the gradients"),
    beta2: z
      .number()
      .min(0)
      .lt(1)
      .default(0.999)
      .describe("what is kept of the mean of their squares"),
    epsilon: z
      .number()
      .positive()
      .default(1e-8)
      .describe(
        "what is added to the root of that mean, so that nothing is divided by zero",
      ),
    weightDecay: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("how much weights shrink towards zero, times the rate"),
  }),
  state: ["mean", "square"],
  update(
    { weight, gradient, state, rate, decays, steps },
    { beta1, beta2, epsilon, weightDecay },
  ) {
    const [mean, square] = state as [Float32Array, Float32Array];
    // One division and one root a weight, which is where the time goes.
    const pace = rate / (1 - beta1 ** steps);
    const scale = 1 / Math.sqrt(1 - beta2 ** steps);
    const keep = decays ? 1 - rate * weightDecay : 1;
    const loops = loopsFor([weight, mean, square]);
    if (loops) {
      const numbers = { beta1, beta2, epsilon, pace, scale, keep };
      loops.adamw(weight, mean, square, gradient, numbers);
      return;
    }
    for (let i = 0; i < weight.length; i++) {
      const g = gradient[i]!;
      const m = beta1 * mean[i]! + (1 - beta1) * g;
      const s = beta2 * square[i]! + (1 - beta2) * g * g;
      mean[i] = m;
      square[i] = s;
      const step = (pace * m) / (Math.sqrt(s) * scale + epsilon);
      weight[i] = keep * weight[i]! - step;
    }
  },
});
