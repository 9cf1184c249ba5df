import type { LossName } from "#autodiff";
import type { FloatTensor, GraphBuilder } from "#onnx";

/** What is right of one sample: its class, or what its outputs should be. */
export interface Truth {
  readonly label: number;
  readonly targets?: Float32Array;
}

/** A number that tells how well outputs fit their targets. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  /**
   * Of what it is the mean, where that is a share of each sample, in [0, 1].
   */
  readonly each?: readonly number[];
}

/**
 * What the outputs of a model mean, and when they are wrong.
 *
 * Attacks and judges only ever see a classifier. Of one that is none, class 0
 * stands for "right" and each further class for one way to be wrong, whose logit
 * is above 0 where the model is wrong in that way: the label of every sample
 * is then 0, and every loss and attack for classifiers is defined.
 */
export interface Meaning {
  /** How many classes attacks see. */
  readonly classes: number;
  /** Whether what is right is a row of targets, rather than a class. */
  readonly targets: boolean;
  /**
   * How many numbers a row of targets has beside so many outputs; as many when left
   * out.
   */
  targetWidth?(outputs: number): number;
  /** What training lowers and attacks raise when they name no other. */
  readonly loss: LossName;
  /**
   * Outputs or targets in the unit and the shape in which that loss compares them;
   * theirs when left out.
   */
  measured?(b: GraphBuilder, values: string, of: "outputs" | "targets"): string;
  /** When a sample is wrong, as half a sentence. */
  readonly broken: string;
  /** The outputs that count, by index; all of them when left out. */
  readonly counted?: readonly number[];
  /**
   * Logits of the classes that attacks see.
   *
   * @param outputs of the model [N, outputs]
   * @param targets [N, outputs], or one for several of them, where the task has them
   * @returns [N, classes]; a row with an output that is not a number
   *   has NaN for "right"
   */
  view(outputs: FloatTensor, targets?: FloatTensor): FloatTensor;
  /** The same as nodes, of the outputs that count. */
  build(b: GraphBuilder, outputs: string, targets: string): string;
  /** The loss of one row, of the outputs that count, in double precision. */
  lossOf(outputs: ArrayLike<number>, truth: Truth): number;
  /** The largest derivative of that loss by an output. */
  slopeOf(outputs: ArrayLike<number>, truth: Truth): number;
  /** What one row of outputs says, in words. */
  answer(outputs: Float32Array): string;
  /** How sure the model is of it, in [0, 1]; null where the outputs do not say. */
  confidence(outputs: Float32Array): number | null;
  /** Outputs that say what these targets say. */
  saying(targets: Float32Array): Float32Array;
  /** Targets that say what these outputs say; null where the task has none. */
  said(outputs: Float32Array): Float32Array | null;
  /** Targets that these outputs are far from, where the task has targets. */
  missed(outputs: Float32Array): Float32Array;
  /**
   * Targets that may be the best single answer to samples of these; those of
   * samples when left out.
   */
  constants?(targets: FloatTensor): Float32Array[];
  /** How far outputs are from targets, besides the share that is right. */
  measures(outputs: FloatTensor, targets?: FloatTensor): Measure[];
}
