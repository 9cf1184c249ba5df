import { z } from "zod";
import { defineOptimizer } from "./optimizer.ts";

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101). */
export const adamw = defineOptimizer({
  id: "adamw",
  title: "AdamW",
  reference: "Loshchilov and Hutter 2019, arXiv:1711.05101",
  params: z.strictObject({
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: z.number().positive().default(1e-8),
    weightDecay: z.number().nonnegative().default(0.01),
  }),
  state: ["mean", "square"],
  // The bias corrections come from outside: a power kept in float32 would drift.
  scalars: (step, { beta1, beta2 }) => [1 - beta1 ** step, 1 - beta2 ** step],
  update(
    b,
    { weight, gradient, state, rate, scalars },
    { beta1, beta2, epsilon, weightDecay },
  ) {
    const mean = b.add(
      b.mul(state[0] as string, beta1),
      b.mul(gradient, 1 - beta1),
    );
    const square = b.add(
      b.mul(state[1] as string, beta2),
      b.mul(b.mul(gradient, gradient), 1 - beta2),
    );
    const deviation = b.add(
      b.sqrt(b.div(square, scalars[1] as string)),
      epsilon,
    );
    const direction = b.div(b.div(mean, scalars[0] as string), deviation);
    const step =
      weightDecay === 0
        ? direction
        : b.add(direction, b.mul(weight, weightDecay));
    return { weight: b.sub(weight, b.mul(step, rate)), state: [mean, square] };
  },
});
