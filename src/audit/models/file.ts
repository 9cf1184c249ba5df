import { basename, resolve } from "node:path";
import { hashOf, readFile, sha256 } from "#core";
import {
  answersAsGiven,
  hashGraph,
  type LoadModelOptions,
  loadModel,
  ownLabels,
  type RawUnits,
} from "#model";
import { checkFits, checkTargets, type Parts } from "../tasks/index.ts";
import type { Known, ReadyModel } from "./ready.ts";
import { openInUnits } from "./units.ts";

/**
 * A model from a file that the suite names, which takes samples like those of the data.
 *
 * @param judged what it is judged on; null for a base, which has a task of its own
 */
export async function fromFile(
  id: string,
  named: string,
  { loaded, data, tryModel }: Known,
  options: LoadModelOptions,
  judged: Parts | null,
): Promise<ReadyModel> {
  const path = resolve(loaded.folder, named);
  const weights = options.weights && resolve(loaded.folder, options.weights);
  const parts = judged ?? data.target;
  const name = basename(named);
  await tryModel?.(path, { ...options, weights });
  const open = async (units?: RawUnits) => {
    const model = await loadModel(path, { ...options, weights, units });
    const { classes } = judged ? model : parts.test;
    checkFits(parts.test, model, classes, name);
    if (judged) checkTargets(model, parts.test, name);
    return model;
  };
  const { model, raw, told } = await openInUnits(open, parts, name);
  const { input } = options;
  const stated = [input?.scale, input?.mean, input?.std];
  return {
    id,
    model,
    unprocessed: stated.some((v) => v !== undefined)
      ? await loadModel(path, {
          ...options,
          weights,
          units: raw,
          input: {
            ...input,
            scale: undefined,
            mean: undefined,
            std: undefined,
          },
        })
      : undefined,
    asGiven: (x) =>
      answersAsGiven(path, { ...options, weights, units: raw }, x),
    says: weights
      ? undefined
      : (x) => ownLabels(path, { ...options, units: raw }, model, x),
    file: named,
    stated: raw ? { ...options, units: raw } : options,
    told,
    hash: weights
      ? hashOf([hashGraph(path), sha256(readFile(weights))])
      : hashGraph(path),
    history: [],
    ended: null,
    lineage: null,
    trainableParameters: null,
  };
}
