import type { Chosen } from "#core";
import type { ChosenDefense, Reactive } from "#defenses";
import type { Engine } from "#engine";
import type { Model } from "#model";
import { type LoadedSuite, MAIN } from "../suite/index.ts";
import { judgedOn, prepareData } from "../tasks/index.ts";
import { fitOn } from "./fit-on.ts";

/**
 * Fits the parts of a defence to a model on the data of a suite, as an audit of
 * that suite would, but keeps nothing.
 *
 * @param task whose data it is, of a model that is one of several; the suite's
 *   own when left out
 * @throws what reading the data throws; DATA_SHAPE, DATA_BOUNDS,
 *   DATA_CLASSES for data that the model does not take
 */
export async function fitToSuite(
  parts: readonly Chosen<Reactive>[],
  model: Model,
  loaded: LoadedSuite,
  engine: Engine,
  task: string = MAIN,
): Promise<ChosenDefense[]> {
  const data = await prepareData(loaded);
  const { train, validation } = judgedOn(data, task).target;
  const { folder } = loaded;
  const { seed } = loaded.suite;
  return fitOn(parts, model, { train, validation, folder, seed, engine });
}
