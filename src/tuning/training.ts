import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { LayerGroup, Model } from "#model";
import type { Drawn } from "./batches.ts";
import type { OpenPart, TrainingPart } from "./part.ts";
import type { TrainingSettings } from "./settings.ts";
import type { Shelf } from "./shelf.ts";
import type { Stage } from "./strategies/index.ts";

/** One line of a training curve. */
export interface Epoch {
  readonly epoch: number;
  readonly stage: number;
  /** Names of the layer groups that were trained. */
  readonly trainable: string[];
  /** At the last step of the epoch. */
  readonly learningRate: number;
  readonly trainLoss: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  /**
   * Means over the epoch of what the losses recorded, and what parts found on the
   * validation data; absent where there is nothing.
   */
  readonly records?: Record<string, number>;
  /** Whether these weights were the ones kept. */
  best: boolean;
}

export interface TuneInput {
  readonly model: Model;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly groups: readonly LayerGroup[];
  readonly stages: readonly Stage[];
  readonly settings: TrainingSettings;
  /**
   * What is changed of plain training behind the settings' augmentations, in this
   * order: proactive defences, regularisers.
   */
  readonly parts?: readonly OpenPart[];
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (epoch: Epoch, total: number) => void;
  /**
   * Gets the model at the weights after each epoch that counts, and as it was when
   * the stage began.
   */
  readonly onWeights?: (epoch: Epoch, model: Model, probed: Model) => void;
  /**
   * Keeps what a frozen body makes of the samples, for trainings to come as well; one
   * of its own when left out.
   */
  readonly shelf?: Shelf;
}

/** A training as it goes on. */
export interface Run extends TuneInput {
  /** All parts: those of the augmentations, then the others. */
  readonly opened: readonly TrainingPart[];
  readonly augmenting: readonly TrainingPart[];
  readonly others: readonly TrainingPart[];
  readonly drawn: (step: number) => Drawn;
  readonly stepsPerEpoch: number;
  readonly steps: number;
}

export interface Tuned {
  readonly model: Model;
  /** The model as it was when the last stage began. */
  readonly probed: Model;
  readonly history: Epoch[];
  /** "finished", "early stop", or why training broke off. */
  readonly ended: string;
  /** What parts state of the whole training. */
  readonly facts: Readonly<Record<string, number>>;
  /** What these hold for. */
  readonly claims: readonly string[];
  /** Rows of the training data that no step drew before these weights were kept. */
  readonly unseen: readonly number[];
}
