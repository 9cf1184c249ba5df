import type { Chosen } from "#core";
import type { ChosenDefense, Reactive } from "#defenses";
import type { Engine } from "#engine";
import type { Model } from "#model";
import { type LoadedSuite, MAIN } from "../suite/index.ts";
import { checkFits, judgedOn, prepareData } from "../tasks/index.ts";
import { fitAll, fitRandom } from "./fit.ts";

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
  checkFits(train, model, model.classes, "the model");
  return fitAll(
    parts,
    () => ({
      model,
      engine,
      train,
      validation,
      folder: loaded.folder,
      random: fitRandom(loaded.suite.seed),
      onProgress() {},
    }),
    (_place, learn) => learn(),
  );
}
