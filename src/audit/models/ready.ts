import type { Given, LoadModelOptions, loadModel, Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Epoch } from "#tuning";
import type { Lineage } from "../results/index.ts";
import type { LoadedSuite } from "../suite/index.ts";
import type { PreparedData } from "../tasks/index.ts";
import type { Workplace } from "../workplace.ts";
import type { Told } from "./units.ts";

/** A model of the run, with what is told of it. */
export interface ReadyModel {
  readonly id: string;
  readonly model: Model;
  /**
   * Relative to the run's folder where the run made it, as the suite
   * names it otherwise.
   */
  readonly file: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  /**
   * Hash of all that it is made of, which is known before it is made; what is computed
   * with it is kept under that.
   */
  readonly key: string;
  readonly history: Epoch[];
  readonly ended: string | null;
  readonly lineage: Lineage | null;
  readonly trainableParameters: number | null;
  /** Rows of the data it was trained on that no step drew; none when left out. */
  readonly unseen?: readonly number[];
  /**
   * What the suite says of how its file is read; absent for one that the run made
   * with one head.
   */
  readonly stated?: Parameters<typeof loadModel>[1];
  /** How the columns of a table reach it, where it was given. */
  readonly told?: Told;
  /**
   * The same without the preprocessing that the suite states for it; absent
   * where it states none.
   */
  readonly unprocessed?: Model;
  /**
   * What its file answers samples as it is (see `answersAsGiven`); absent for
   * a model that the run made.
   */
  readonly asGiven?: (x: FloatTensor) => Promise<Given>;
  /**
   * What the file itself says of samples (see `ownLabels`); absent for a model
   * that the run made.
   */
  readonly says?: (x: FloatTensor) => Promise<Int32Array | undefined>;
}

/** What is known before anything is trained. */
export interface Known {
  /** What comes from outside goes through it first (see `TryModel`). */
  readonly tryModel?: (
    path: string,
    options: LoadModelOptions,
    gradient: boolean,
  ) => Promise<unknown>;
  readonly loaded: LoadedSuite;
  readonly data: PreparedData;
}

/** What the key of a model depends on besides the model itself. */
export interface KeyPlace extends Known, Pick<Workplace, "seed" | "engine"> {}

/** What making a model needs. */
export interface Workshop extends Known, Workplace {}
