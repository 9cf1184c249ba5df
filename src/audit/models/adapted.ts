import { hashOf, packageVersion, Random, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Model } from "#model";
import { hashModel } from "#onnx";
import type { Lineage } from "../results/index.ts";
import { type AdaptedCandidate, describe, isFollowed } from "../suite/index.ts";
import { type OnModel, trainFollowed } from "./epochs.ts";
import { purposeOf } from "./fine-tuning.ts";
import type { Maker } from "./maker.ts";
import { announceEpochs, modelFile, trainingKey } from "./train-once.ts";

/**
 * The base adapted to the target domain without labels: its own head, its own classes.
 */
export const adapted: Maker<AdaptedCandidate> = {
  outline({ id }, { data, loaded }, base) {
    requireHeadFor(id, base, loaded.file, data.target.train);
    return base;
  },
  key: ({ adaptation, replica }, place, base) =>
    hashOf({
      kind: "adapted",
      base,
      adaptation: describe(adaptation),
      replica: replica?.index ?? 1,
      ...trainingKey(place, place.data.target),
    }),
  async make(candidate, shop, base) {
    adapted.outline(candidate, shop, base.model);
    const { id, adaptation } = candidate;
    const { unit, params } = adaptation;
    const { data, loaded, store } = shop;
    const { train } = data.target;
    const key = adapted.key(candidate, shop, base.key);
    const file = modelFile(id, key);
    const lineage: Lineage = {
      baseHash: base.hash,
      dataHash: train.fingerprint,
      strategy: unit.id,
      seed: loaded.suite.seed,
      assayVersion: packageVersion(),
    };
    const followed = isFollowed(loaded.suite, candidate);
    const adapt = async (onWeights?: OnModel) => {
      const found = await unit.adapt(
        {
          model: base.model,
          target: train,
          engine: shop.engine,
          random: new Random(loaded.suite.seed).fork(
            purposeOf("adaptation", candidate),
          ),
          signal: shop.signal,
          onEpoch: announceEpochs(shop, id),
          onWeights,
        },
        params,
      );
      return { model: found.model, training: { ...found, facts: {} } };
    };
    const made = await trainFollowed(shop, file, lineage, followed, adapt);
    return {
      id,
      file,
      trainableParameters: null,
      ...made,
      key,
      hash: hashModel(store.path(file)),
    };
  },
};

/**
 * Refuses a candidate that keeps the head of the base where that is not for the
 * classes of the task.
 */
export function requireHeadFor(
  id: string,
  model: Model,
  file: string,
  { classes }: Dataset,
): void {
  if (model.classes.join() === classes.join()) return;
  throw new UsageError(
    "SUITE_INVALID",
    `${file}: candidates.${id} keeps the head of the base, whose classes are ${model.classes.join(", ")}; the task has ${classes.join(", ")}`,
    "Pre-train the base on sourceData or on data without the shift, or name its classes.",
  );
}
