import { z } from "zod";
import { adamw } from "../optimizers/adamw.ts";
import {
  defineWeighting,
  type TaskGradient,
  weightedSum,
} from "./weighting.ts";

/** Weights stay above this, so that no task is given up or turned around. */
const LEAST = 1e-3;

/**
 * Gradient normalisation (GradNorm, Chen et al. 2018, arXiv:1711.02257): weights move
 * so that the norms of the weighted gradients at the last trained layer of the trunk
 * come near to their mean times r^alpha, where r is how far a task's loss has come from
 * its first value, over the mean of the tasks. They move by Adam against the L1
 * distance, whose target counts as a constant, and are then scaled to sum to the number
 * of tasks. The paper leaves their optimiser open. Here weights do not fall below
 * 0.001; the first loss of a task is that of the first batch with samples of it; and
 * while the trunk is frozen, weights stay.
 */
export const gradnorm = defineWeighting({
  id: "gradnorm",
  title: "Gradient normalisation (GradNorm)",
  summary:
    "Moves the weights of the tasks so that the norms of their gradients at the trunk come near to each other, more so for tasks that learn slowly.",
  caution:
    "It looks at one layer of the trunk. Where the first batch is unusual, so is each task's first loss, which everything is measured by. While the trunk is frozen weights stay.",
  reference: "Chen et al. 2018, arXiv:1711.02257",
  params: z.strictObject({
    alpha: z
      .number()
      .nonnegative()
      .default(1.5)
      .describe("how much more tasks count that learn slowly"),
    learningRate: z
      .number()
      .positive()
      .default(0.025)
      .describe("learning rate of the weights"),
  }),
  open({ alpha, learningRate }, { tasks, shared }) {
    const weights = new Float32Array(tasks.length).fill(1);
    const first = new Map<string, number>();
    const state = adamw.state.map(() => new Float32Array(tasks.length));
    const adam = adamw.params.parse({});
    let steps = 0;
    const move = (found: readonly TaskGradient[]) => {
      const layer = shared.findLast(({ parameters }) =>
        parameters.some((name) => found[0]?.gradients.has(name)),
      );
      if (!layer || found.length < 2) return;
      const at = found.map(({ task }) => tasks.indexOf(task));
      const norms = found.map(({ gradients }) =>
        normOf(layer.parameters.flatMap((name) => gradients.get(name) ?? [])),
      );
      const progress = found.map(
        ({ task, loss }) => loss / (first.get(task) || 1),
      );
      const own = norms.map((n, i) => n * weights[at[i]!]!);
      const aims = aimsOf(own, progress, alpha);
      const gradient = new Float32Array(tasks.length);
      for (const [i, t] of at.entries())
        gradient[t] = norms[i]! * Math.sign(own[i]! - aims[i]!);
      steps++;
      const rate = learningRate;
      adamw.update(
        { weight: weights, gradient, state, rate, decays: false, steps },
        adam,
      );
      const sum = weights.reduce((s, w, t) => {
        weights[t] = Math.max(LEAST, w);
        return s + (weights[t] as number);
      }, 0);
      for (const t of weights.keys())
        weights[t] = (weights[t]! * tasks.length) / sum;
    };
    return {
      get weights() {
        return [...weights];
      },
      combine(found) {
        for (const { task, loss } of found)
          if (!first.has(task)) first.set(task, loss);
        const sum = weightedSum(
          found,
          found.map(({ task }) => weights[tasks.indexOf(task)]!),
        );
        move(found);
        return sum;
      },
    };
  },
});

/** The norm that the weighted gradient of each task should have. */
function aimsOf(
  norms: readonly number[],
  progress: readonly number[],
  alpha: number,
): number[] {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, v) => sum + v, 0) / values.length;
  const [middle, pace] = [mean(norms), mean(progress) || 1];
  return progress.map((p) => middle * (p / pace) ** alpha);
}

const normOf = (parts: readonly Float32Array[]): number =>
  Math.sqrt(
    parts.reduce((sum, p) => sum + p.reduce((s, v) => s + v * v, 0), 0),
  );
