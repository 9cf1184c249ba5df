import type { Chosen } from "#core";
import type { Dataset } from "#data";
import type { ChosenDefense, Reactive } from "#defenses";
import type { Engine } from "#engine";
import type { Model } from "#model";
import { checkFits } from "../tasks/index.ts";
import { fitAll, fitRandom } from "./fit.ts";

/** What defences are fitted on, and with. */
export interface FitOn {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Where paths of parameters start. */
  readonly folder: string;
  readonly seed: number;
  readonly engine: Engine;
}

/**
 * Fits the parts of a defence to a model, as an audit would, but keeps nothing.
 *
 * @throws DATA_SHAPE, DATA_BOUNDS, DATA_CLASSES for data that the model does not take
 */
export function fitOn(
  parts: readonly Chosen<Reactive>[],
  model: Model,
  { seed, ...on }: FitOn,
): Promise<ChosenDefense[]> {
  checkFits(on.train, model, model.classes, "the model");
  return fitAll(
    parts,
    () => ({ ...on, model, random: fitRandom(seed), onProgress() {} }),
    (_place, learn) => learn(),
  );
}
