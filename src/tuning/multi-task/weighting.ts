import type { z } from "zod";
import type { Explained, Random } from "#core";
import type { LayerGroup } from "#model";
import type { BatchGradient, LossGraph } from "../part.ts";

/** A task of a batch, with the gradient of its loss alone. */
export interface TaskGradient {
  readonly task: string;
  readonly loss: number;
  readonly gradients: BatchGradient["gradients"];
}

/** How the losses of tasks become one, in one training. */
export interface Balance {
  /**
   * What each loss is multiplied by, in the order of the tasks; may change
   * from step to step.
   */
  readonly weights: readonly number[];
  /**
   * What stands in the sum for the loss of a task (a scalar value).
   *
   * @param present 1 where the batch has samples of the task, else 0
   */
  term?(g: LossGraph, task: string, loss: string, present: string): string;
  /**
   * One gradient from those of the tasks, which it may change; only tasks with samples
   * in the batch are given. Without it one pass takes the gradient of the weighted sum.
   */
  combine?(tasks: readonly TaskGradient[]): Map<string, Float32Array>;
}

/** What a weighting is told when a training begins. */
export interface BalanceContext {
  readonly tasks: readonly string[];
  /** The layer groups of the trunk that may be trained, from input to output. */
  readonly shared: readonly LayerGroup[];
  readonly random: Random;
}

/** How much each of several tasks counts. */
export interface Weighting<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  open(params: z.output<S>, context: BalanceContext): Balance;
}

export function defineWeighting<S extends z.ZodObject>(
  weighting: Weighting<S>,
): Weighting<S> {
  return weighting;
}

/** The sum of the gradients, each times its factor. */
export function weightedSum(
  tasks: readonly TaskGradient[],
  factors: readonly number[],
): Map<string, Float32Array> {
  const sum = new Map<string, Float32Array>();
  for (const [t, { gradients }] of tasks.entries())
    for (const [name, gradient] of gradients) {
      const factor = factors[t]!;
      const into = sum.get(name) ?? new Float32Array(gradient.length);
      for (let i = 0; i < gradient.length; i++)
        into[i] = into[i]! + factor * gradient[i]!;
      sum.set(name, into);
    }
  return sum;
}
