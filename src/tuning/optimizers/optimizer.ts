import type { z } from "zod";
import type { GraphBuilder } from "#onnx";

/** One weight in an update: all are names of values in the training graph. */
export interface UpdateInput {
  readonly weight: string;
  readonly gradient: string;
  /** State tensors in the weight's shape, in the order of `state`; zero at the first step. */
  readonly state: readonly string[];
  /** Scalar learning rate of this weight. */
  readonly rate: string;
  /** Scalars that the optimiser asked for with `scalars`. */
  readonly scalars: readonly string[];
}

/** A weight update as graph nodes. */
export interface Optimizer<S extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /** Names of the state tensors kept for each weight. */
  readonly state: readonly string[];
  /** Numbers fed at every step, computed from its number (1, 2, ...). */
  scalars(step: number, params: z.output<S>): number[];
  /** Adds the nodes of one weight's update; returns the new weight and the new state. */
  update(
    b: GraphBuilder,
    input: UpdateInput,
    params: z.output<S>,
  ): { weight: string; state: string[] };
}

export function defineOptimizer<S extends z.ZodObject>(
  optimizer: Optimizer<S>,
): Optimizer<S> {
  return optimizer;
}
