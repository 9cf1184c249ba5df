import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { hashOf, readFile, sha256 } from "#core";
import {
  answersAsGiven,
  configOf,
  hashGraph,
  type LoadModelOptions,
  loadModel,
  ownLabels,
  type RawUnits,
} from "#model";
import { followsGradients } from "../suite/index.ts";
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
  known: Known,
  stated: LoadModelOptions,
  judged: Parts | null,
): Promise<ReadyModel> {
  const { data, tryModel } = known;
  const options = ofLength(stated, judged ?? data.target);
  const { path, weights } = filesOf(named, known, options);
  const parts = judged ?? data.target;
  const name = basename(named);
  const { suite } = known.loaded;
  await tryModel?.(path, { ...options, weights }, followsGradients(suite));
  const open = async (units?: RawUnits) => {
    const model = await loadModel(path, { ...options, weights, units });
    // A language model keeps its tokens, as a base too.
    const isOwn = judged !== null || model.task?.kind === "lm";
    const { classes } = isOwn ? model : parts.test;
    checkFits(parts.test, model, classes, name);
    if (judged) checkTargets(model, parts.test, name);
    return model;
  };
  const { model, raw, told } = await openInUnits(open, parts, name);
  const { input } = options;
  const scaled = [input?.scale, input?.mean, input?.std];
  return {
    id,
    model,
    unprocessed: scaled.some((v) => v !== undefined)
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
    key: fileKey(named, known, stated, judged),
    hash: contentHash(named, known, options),
    history: [],
    ended: null,
    lineage: null,
    trainableParameters: null,
  };
}

/**
 * A language model takes any length most often, and the data is of one.
 */
const ofLength = (
  options: LoadModelOptions,
  { test: { x } }: Parts,
): LoadModelOptions =>
  options.task?.kind === "lm" && options.input?.shape === undefined
    ? { ...options, input: { ...options.input, shape: x.dims.slice(1) } }
    : options;

/**
 * Hash of all that a model from a file depends on: the file, how it is read, and the
 * samples that tell the units in which it takes the columns of a table.
 */
export const fileKey = (
  named: string,
  known: Known,
  options: LoadModelOptions,
  judged: Parts | null,
): string => {
  const { train, validation } = judged ?? known.data.target;
  return hashOf({
    file: contentHash(named, known, options),
    options,
    units: [train, validation].map(({ fingerprint, table }) => [
      fingerprint,
      table,
    ]),
  });
};

function contentHash(
  named: string,
  known: Known,
  options: LoadModelOptions,
): string {
  const { path, weights } = filesOf(named, known, options);
  if (!weights) return hashGraph(path);
  // An adapter is merged as the file beside it says.
  const config = configOf(weights);
  const files = existsSync(config) ? [weights, config] : [weights];
  return hashOf([hashGraph(path), ...files.map((f) => sha256(readFile(f)))]);
}

const filesOf = (
  named: string,
  { loaded: { folder } }: Known,
  { weights }: LoadModelOptions,
) => ({
  path: resolve(folder, named),
  weights: weights && resolve(folder, weights),
});
