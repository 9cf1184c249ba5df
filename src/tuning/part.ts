import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { CompiledModel, Input, Model } from "#model";
import type { FloatTensor, GraphBuilder } from "#onnx";
import type { Criterion } from "./criteria.ts";
import type { Adapted } from "./low-rank.ts";

/**
 * Some rows of the data, as a step learns from them. Every tensor has a row
 * for each sample.
 */
export interface Batch<X extends Input = FloatTensor> {
  /** [N, ...shape] */
  readonly x: X;
  /** The class of each sample. */
  readonly y: Int32Array;
  /**
   * Further inputs [N, ...shape] that go through the model in the same pass, by the
   * name of their view.
   */
  readonly views?: Readonly<Record<string, X>>;
  /**
   * What the outputs are compared with, where the criterion takes floats: [N, outputs],
   * those of the data, or one-hot classes, unless a part changes it.
   */
  readonly targets?: FloatTensor;
  /** What a part's loss declared with `feed` and `scalar`. */
  readonly feeds?: Readonly<Record<string, FloatTensor | number>>;
}

/** Where a training is, and what it can draw from, as a part prepares a batch. */
export interface Moment {
  /** The model at its current weights. */
  readonly model: CompiledModel;
  /**
   * The gradient of each sample's criterion with respect to it, in the shape of x: what
   * raises what training lowers, whatever the task.
   */
  slope(batch: Batch): Promise<FloatTensor>;
  /** One generator a sample. */
  readonly random: readonly Random[];
  /** One for the whole batch. */
  readonly batchRandom: Random;
  /** Steps taken before, of all stages. */
  readonly step: number;
  /** Share of the training that is done, in [0, 1). */
  readonly progress: number;
  /** From 1; 0 when a validation batch is prepared before any. */
  readonly epoch: number;
}

/** Loss of a batch and what follows from it, from one pass. */
export interface BatchGradient {
  readonly loss: number;
  /** By weight, its gradient. The arrays are the caller's. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** With respect to x and, behind it, the views; where a part has `inputGradient`. */
  readonly input?: Float32Array;
  /** What the losses recorded. */
  readonly records: Readonly<Record<string, number>>;
  /** The next value of each running statistic. */
  readonly statistics: ReadonlyMap<string, Float32Array>;
}

/** How a model did on validation data. */
export interface Validated {
  readonly loss: number;
  /** Share of the samples that are right. */
  readonly accuracy: number;
  /** Further numbers for the training curve. */
  readonly records?: Readonly<Record<string, number>>;
}

/**
 * The graph of a step while its loss is written. Values are named, as
 * in `GraphBuilder`.
 */
export interface LossGraph {
  /** Read it anew after `gradient`, which replaces it. */
  readonly b: GraphBuilder;
  readonly model: Model;
  /** y, int64 [N] */
  readonly labels: string;
  /** What the criterion compares with: the labels, or floats [N, classes]. */
  readonly targets: string;
  /**
   * The rows that belong to x, or to a view, of a value with a row for each: any
   * value of the model.
   */
  rows(value: string, view?: string): string;
  /** The criterion of each sample, [N], of x or of a view. */
  each(view?: string): string;
  /** The criterion of each sample, [N], of other outputs of the model's shape. */
  criterion(outputs: string): string;
  /**
   * The logits of the model once more, over other values in place of some of its
   * own: its input, its weights.
   *
   * @param statistics "stored" normalises by the running means and variances, where the
   *   training does it by those of the batch
   * @param adapted weights that low-rank products are added to, by names of `parameter`
   */
  again(
    replaced: ReadonlyMap<string, string>,
    statistics?: "stored",
    adapted?: readonly Adapted[],
  ): string;
  /** Declares floats [N, ...dims] that every batch feeds under this name. */
  feed(name: string, dims?: readonly number[]): string;
  /** Declares a number that every batch feeds under this name. */
  scalar(name: string): string;
  /**
   * Declares floats that are trained beside the weights of the model, at the stated
   * learning rate and without weight decay.
   */
  parameter(name: string, start: FloatTensor): string;
  /**
   * A value that passes its gradient to another of the same shape instead of to what it
   * is computed from; to none when left out.
   */
  withGradientOf(value: string, other?: string): string;
  /** Adds the gradient of a sum as a value that can itself be differentiated. */
  gradient(of: string, wrt: string): string;
  /**
   * Records a number of every step, such as a term of the loss; a curve shows its mean
   * over each epoch.
   */
  record(name: string, value: string): void;
}

/**
 * What a proactive defence, a regulariser, an augmentation or an adaptation
 * changes of a training. Everything may be left out. Parts are applied in the
 * order in which they are listed, each to what the one before it made.
 */
export interface TrainingPart {
  /**
   * How outputs are compared with targets; by the loss of the model's task
   * when no part says.
   */
  readonly criterion?: Criterion;
  /** Names of the views that `prepare` adds to every batch. */
  readonly views?: readonly string[];
  /** Whether steps also take the gradient with respect to the input. */
  readonly inputGradient?: boolean;
  /**
   * Steps that are taken on each batch. An epoch has as many steps as without, and so
   * sees fewer samples.
   */
  readonly repeats?: number;
  /**
   * Whether it answers for what each sample does alone, so that nothing else may draw
   * batches, repeat them, weigh samples against each other or normalise by them.
   */
  readonly perSample?: boolean;
  /**
   * Whether it changes and looks at nothing before what is trained: neither inputs,
   * nor values of the model but its logits. Beside such parts alone, what a frozen body
   * makes of a sample is computed once, and `x` is that.
   */
  readonly isBlind?: boolean;
  /** The rows of the next batch, instead of the next ones of a random order of all. */
  draw?(size: number, batchSize: number, random: Random): number[];
  /** Which epoch's weights are kept: the best on the validation data, when left out. */
  readonly keeps?: "last";
  /** Changes a batch before its step. */
  prepare?(batch: Batch, moment: Moment): Promise<Batch> | Batch;
  /**
   * The inputs that validation is judged by; it chooses the best epoch
   * and when to stop.
   */
  judge?(batch: Batch, moment: Moment): Promise<FloatTensor>;
  /** How outputs of the validation data are judged, instead of by the model's task. */
  evaluate?(outputs: FloatTensor, batch: Batch): Validated;
  /**
   * Adds a term to the loss (a scalar value), or replaces it. It is the mean criterion
   * of x to begin with.
   */
  loss?(graph: LossGraph, loss: string): string;
  /**
   * The gradient that the weights move against.
   *
   * @param at takes the gradient at the weights as they are now, of this
   *   or another batch
   * @param weights all that is trained, by name; may be moved in between and put back
   */
  gradient?(
    batch: Batch<Input>,
    at: (batch: Batch<Input>) => Promise<BatchGradient>,
    weights: ReadonlyMap<string, FloatTensor>,
  ): Promise<BatchGradient>;
  /**
   * Moves what is trained further, after the optimiser has.
   *
   * @param rateOf the learning rate that a weight was moved with
   */
  moved?(
    weights: ReadonlyMap<string, FloatTensor>,
    rateOf: (name: string) => number,
  ): void;
  /**
   * Looks at the weights after an epoch. A reason given ends the training without them.
   */
  check?(batch: Batch, moment: Moment): Promise<string | undefined>;
  /**
   * Numbers about the whole training that its lineage states, such as the
   * privacy that it kept.
   */
  facts?(): Readonly<Record<string, number>>;
  /** What these numbers hold for, and what not, as a sentence without its stop. */
  readonly claim?: string;
}

/** What is known when a training begins. */
export interface TrainingContext {
  /** With the weights that training starts from. */
  readonly model: Model;
  readonly engine: Engine;
  /** Names of the trained weights, of all stages. */
  readonly trained: readonly string[];
  /** Training samples. */
  readonly samples: number;
  readonly batchSize: number;
  /** Steps of the whole training, and of each epoch. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /**
   * What whoever trains has of his own: the training set, and where he trains on data
   * of others what the model was aligned on.
   */
  readonly own?: Dataset;
  readonly random: Random;
}

/** Makes a part ready for one training. */
export type OpenPart = (context: TrainingContext) => TrainingPart;
