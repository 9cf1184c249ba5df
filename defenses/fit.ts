import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";

/**
 * What a defence is fitted on: the model that it will protect, without any
 * defence, and clean data of its task. Never the samples that are attacked.
 */
export interface FitInput {
  readonly model: Model;
  readonly engine: Engine;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly random: Random;
  /** Told the share that is done, between steps; throws when the run is interrupted. */
  readonly onProgress: (share: number) => void;
}

/** What a fit found, by name: the constants that the defence is then built with. */
export type Fitted = ReadonlyMap<string, FloatTensor>;

/** Fits a defence to a model and its data. Deterministic under `random`. */
export type Fit<P> = (input: FitInput, params: P) => Promise<Fitted>;
