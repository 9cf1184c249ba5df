import { type Attack, type Attackable, type Ball, someOf } from "#attacks";
import type { Chosen, Random } from "#core";
import type { CompiledModel } from "#model";
import { type FloatTensor, takeRows } from "#onnx";

/**
 * An attack that was made on samples, and what it left of them. Of several heads a
 * sample stands while any of them is right.
 */
export interface Attempt extends Attackable {
  /** The model behind its defence, as the attack saw it. */
  readonly model: CompiledModel;
  readonly chosen: Chosen<Attack>;
  readonly ball: Ball;
  /** The last points of the attack [M, ...shape]. */
  readonly examples: FloatTensor;
  /** The highest loss that the attack saw of each; null where it followed none. */
  readonly peaks: readonly (number | null)[];
  /** Calls that the attack averages a gradient over. */
  readonly draws: number;
  /** Whether the model answers otherwise when it is asked again. */
  readonly drawsAtRandom: boolean;
  /** Other models that its examples may come from. */
  readonly surrogates?: readonly Surrogate[];
  readonly random: Random;
  /** Called between steps; throws when the run is interrupted. */
  readonly onProgress: () => void;
}

/** How many samples a probe tried, and how many it broke. */
export interface Tries {
  tried: number;
  broken: number;
  /** Which of the samples that are probed it broke, by their place among them. */
  which: number[];
}

export const triesOf = (broken: readonly boolean[]): Tries => {
  const which = broken.flatMap((fell, i) => (fell ? [i] : []));
  return { tried: broken.length, broken: which.length, which };
};

/** A model that examples are made on, to be replayed. */
export interface Surrogate {
  /** What it is called in a sentence. */
  readonly title: string;
  /** Null where it has no gradient. */
  readonly model: CompiledModel | null;
}

/** The same with twice the steps. */
export interface Longer extends Tries {
  /**
   * How much higher the mean loss of the samples came that still stood, as a share of
   * it; null where the attack followed none.
   */
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

/** An attempt on some of its samples. */
export const partOf = (attempt: Attempt, some: readonly number[]): Attempt => ({
  ...attempt,
  ...someOf(attempt, some),
  examples: takeRows(attempt.examples, some),
  peaks: some.map((i) => attempt.peaks[i] ?? null),
});

/**
 * The most samples that a probe looks at: enough to see one in ten with 97 % certainty.
 */
export const PROBED = 32;
