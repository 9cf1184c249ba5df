import type { FloatTensor } from "#onnx";
import type { Ball } from "../ball.ts";

/** Where one sample is on its way up. Its arrays are its own, and overwritten. */
export interface Climber {
  point: Float32Array;
  /** The point before. */
  before: Float32Array;
  /** The gradient at `point`, as it was answered, and the loss there. */
  gradient: Float32Array;
  loss: number;
  /** The highest loss so far, its point and the gradient there. */
  bestLoss: number;
  best: Float32Array;
  bestGradient: Float32Array;
  /** Steps since the last checkpoint that raised the loss. */
  rises: number;
}

/** How one sample steps, and what it learns at checkpoints. */
export interface Pace {
  /** The point after `climber.point`, in an array that the next call may overwrite. */
  next(climber: Climber): Float32Array;
  /**
   * Adapts the steps at a checkpoint.
   *
   * @param since steps since the last checkpoint
   * @returns whether to go on from the best point
   */
  review(climber: Climber, since: number): boolean;
}

/** A norm's way of stepping. */
export interface Paces {
  /** The steps after which there is a checkpoint, ascending. */
  checkpoints(steps: number): number[];
  /** The pace of one sample [1, ...shape] that starts at a point. */
  begin(ball: Ball, centre: FloatTensor, start: Float32Array): Pace;
}
