import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";

/**
 * What a defence is fitted on: the model that it will protect, and clean data of
 * its task, both as they are where it stands (see `inPlace`). Never the samples
 * that are attacked.
 */
export interface FitInput {
  readonly model: Model;
  readonly engine: Engine;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly random: Random;
  /** What an attacker has before it, where sanitizers come first. */
  readonly outside?: Outside;
  /** Told the share that is done, between steps; throws when the run is interrupted. */
  readonly onProgress: (share: number) => void;
}

/** The way through the sanitizers before a part. */
export interface Outside {
  /** The model behind them. */
  readonly model: Model;
  /** The validation data before them. */
  readonly validation: Dataset;
  /** What they make of inputs [N, ...shape]: [N * versions, ...shape]. */
  pass(x: FloatTensor): Promise<FloatTensor>;
}

/** What a fit found, by name: the constants that the defence is then built with. */
export type Fitted = ReadonlyMap<string, FloatTensor>;

/** Fits a defence to a model and its data. Deterministic under `random`. */
export type Fit<P> = (input: FitInput, params: P) => Promise<Fitted>;
