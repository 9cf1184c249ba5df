import { z } from "zod";
import { defineOptimizer } from "./optimizer.ts";

/** Stochastic gradient descent with momentum (Polyak 1964), in PyTorch's form: v = m v + g + wd w; w = w - rate v. */
export const sgd = defineOptimizer({
  id: "sgd",
  title: "SGD with momentum",
  reference: "Polyak 1964",
  params: z.strictObject({
    momentum: z.number().min(0).lt(1).default(0.9),
    weightDecay: z.number().nonnegative().default(0),
  }),
  state: ["velocity"],
  scalars: () => [],
  update(b, { weight, gradient, state, rate }, { momentum, weightDecay }) {
    const decayed =
      weightDecay === 0
        ? gradient
        : b.add(gradient, b.mul(weight, weightDecay));
    const velocity = b.add(b.mul(state[0] as string, momentum), decayed);
    return { weight: b.sub(weight, b.mul(velocity, rate)), state: [velocity] };
  },
});
