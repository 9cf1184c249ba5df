import type { z } from "zod";
import type { Explained } from "#core";

/** One weight in an update. All arrays have its length. */
export interface UpdateInput {
  /** Changed in place. */
  readonly weight: Float32Array;
  readonly gradient: Float32Array;
  /**
   * In the order of the optimiser's `state`, changed in place; zero at the first step.
   */
  readonly state: readonly Float32Array[];
  /** Learning rate of this weight. */
  readonly rate: number;
  /** Whether weight decay acts on it. */
  readonly decays: boolean;
  /** Steps taken with this one: 1, 2, ... */
  readonly steps: number;
}

/**
 * How a weight moves, given its gradient. A loop over numbers in place: as
 * nodes of the training graph every intermediate array costs a pass over memory
 * (docs/performance.md).
 */
export interface Optimizer<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /** Names of the arrays kept for each weight. */
  readonly state: readonly string[];
  update(input: UpdateInput, params: z.output<S>): void;
}

export function defineOptimizer<S extends z.ZodObject>(
  optimizer: Optimizer<S>,
): Optimizer<S> {
  return optimizer;
}
