import { basename, resolve } from "node:path";
import { hashOf, readFile, sha256 } from "#core";
import type { Dataset } from "#data";
import { hashGraph, loadModel, ownLabels } from "#model";
import { checkFits, checkTargets } from "../tasks/index.ts";
import type { Known, ReadyModel } from "./ready.ts";

/**
 * A model from a file that the suite names, which takes samples like those of the data.
 *
 * @param judged what it is judged on; null for a base, which has a task of its own
 */
export async function fromFile(
  id: string,
  named: string,
  { loaded, data }: Known,
  options: Parameters<typeof loadModel>[1],
  judged: Dataset | null,
): Promise<ReadyModel> {
  const path = resolve(loaded.folder, named);
  const weights = options?.weights && resolve(loaded.folder, options.weights);
  const model = await loadModel(path, { ...options, weights });
  const { test } = data.target;
  checkFits(
    judged ?? test,
    model,
    judged ? model.classes : test.classes,
    basename(named),
  );
  if (judged) checkTargets(model, judged, basename(named));
  const { input } = options ?? {};
  const stated = [input?.scale, input?.mean, input?.std];
  return {
    id,
    model,
    unprocessed: stated.some((v) => v !== undefined)
      ? await loadModel(path, {
          ...options,
          weights,
          input: {
            ...input,
            scale: undefined,
            mean: undefined,
            std: undefined,
          },
        })
      : undefined,
    says: weights ? undefined : (x) => ownLabels(path, options ?? {}, model, x),
    file: named,
    stated: options,
    hash: weights
      ? hashOf([hashGraph(path), sha256(readFile(weights))])
      : hashGraph(path),
    history: [],
    ended: null,
    lineage: null,
    trainableParameters: null,
  };
}
