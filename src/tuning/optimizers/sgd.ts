import { z } from "zod";
import { loopsFor } from "./compiled.ts";
import { defineOptimizer } from "./optimizer.ts";

/**
 * Stochastic gradient descent with momentum (Polyak 1964), in PyTorch's form: v = m v +
 * g + wd w; w = w - rate v.
 */
export const sgd = defineOptimizer({
  id: "sgd",
  title: "SGD with momentum",
  summary: "Stochastic gradient descent with momentum, as PyTorch has it.",
  caution:
    "Its rate has to fit the network: one for AdamW is far too small for it. Small networks may hardly move at the rates that papers have for large ones.",
  reference: "Polyak 1964",
  params: z.strictObject({
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .describe("what is kept of the velocity from step to step"),
    weightDecay: z
      .number()
      .nonnegative()
      .default(0)
      .describe("how much of each weight is added to its gradient"),
  }),
  state: ["velocity"],
  update({ weight, gradient, state, rate, decays }, { momentum, weightDecay }) {
    const velocity = state[0]!;
    const decay = decays ? weightDecay : 0;
    const loops = loopsFor([weight, velocity]);
    if (loops) {
      loops.sgd(weight, velocity, gradient, { momentum, decay, rate });
      return;
    }
    for (let i = 0; i < weight.length; i++) {
      const w = weight[i]!;
      const g = gradient[i]! + decay * w;
      const v = momentum * velocity[i]! + g;
      velocity[i] = v;
      weight[i] = w - rate * v;
    }
  },
});
