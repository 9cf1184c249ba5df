import type { Attack, Norm } from "#attacks";
import type { Chosen, Random } from "#core";
import type { Beside, CompiledModel } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Table } from "#tables";

/** An attack that was made, and what it left standing. */
export interface Scene {
  /** The model behind its defence, as the attack saw it. */
  readonly victim: CompiledModel;
  /** Heads that were attacked with it, in the same order of samples: one stands while any of them is right. */
  readonly beside?: readonly Beside[];
  readonly chosen: Chosen<Attack>;
  readonly norm: Norm;
  readonly eps: number;
  /** Clean samples that the attack did not break [M, ...shape], their labels and its last points for them. */
  readonly x: FloatTensor;
  readonly y: Int32Array;
  /** What their outputs should be, where the task is not one of classes. */
  readonly targets?: FloatTensor;
  readonly examples: FloatTensor;
  /** What rows there can be, where the samples are rows of a table. */
  readonly table?: Table;
  /** The highest loss that the attack saw of each; null where it followed none. */
  readonly peaks: readonly (number | null)[];
  /** Calls that the attack averages a gradient over. */
  readonly draws: number;
  /** Whether the model answers otherwise when it is asked again. */
  readonly drawsAtRandom: boolean;
  readonly random: Random;
  /** Throws when the run is interrupted. */
  readonly onProgress: () => void;
}

/** How many samples a probe tried, and how many it broke. */
export interface Tries {
  tried: number;
  broken: number;
}

/** The same with twice the steps. */
export interface Longer extends Tries {
  /** How much higher the mean loss of the samples came that still stood, as a share of it; null where the attack followed none. */
  rise: number | null;
}

/** The same with gradients that are means of more draws. */
export interface Averaged extends Tries {
  /** Of the attack itself, and of this try. */
  before: number;
  draws: number;
}

/** The same at one number of draws a gradient. */
export interface Drawn extends Tries {
  draws: number;
}

/** A scene with some of its samples. */
export function someOf(scene: Scene, some: readonly number[]): Scene {
  const { x, examples, peaks, beside } = scene;
  const right = ({ y, targets }: Pick<Scene, "y" | "targets">) => ({
    y: Int32Array.from(some, (i) => y[i]!),
    targets: targets && takeRows(targets, some),
  });
  return {
    ...scene,
    ...right(scene),
    beside: beside?.map((head) => ({ ...head, ...right(head) })),
    x: takeRows(x, some),
    examples: takeRows(examples, some),
    peaks: some.map((i) => peaks[i] ?? null),
  };
}

/** The most samples that a probe looks at: enough to see one in ten with 97 % certainty. */
export const PROBED = 32;
