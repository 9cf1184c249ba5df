import { type Chosen, hashOf, packageVersion, Random, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Model } from "#model";
import { hashModel } from "#onnx";
import type { Adaptation } from "#tuning";
import type { Lineage } from "../results/index.ts";
import { describe, isFollowed } from "../suite/index.ts";
import { tell } from "./accuracy.ts";
import { keepFollowed, type OnModel } from "./epochs.ts";
import { epochTeller, trainingKey } from "./keep.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/** The base adapted to the target domain without labels: its own head, its own classes. */
export async function makeAdapted(
  id: string,
  shop: Workshop,
  base: ReadyModel,
  { unit, params }: Chosen<Adaptation>,
): Promise<ReadyModel> {
  const { data, loaded, store } = shop;
  const { train } = data.target;
  if (unit.kind !== "source-free")
    throw new Error(`adaptation ${unit.id} needs a source`);
  requireHeadFor(id, base.model, loaded.file, train);
  const key = hashOf({
    kind: "adapted",
    base: base.hash,
    adaptation: describe({ unit, params }),
    ...trainingKey(shop, data.target),
  });
  const file = `models/${id}-${key.slice(0, 12)}.onnx`;
  const lineage: Lineage = {
    baseHash: base.hash,
    dataHash: train.fingerprint,
    strategy: unit.id,
    seed: loaded.suite.seed,
    assayVersion: packageVersion(),
  };
  const followed = isFollowed(loaded.suite, id);
  const adapt = async (onWeights?: OnModel) => {
    const adapted = await unit.adapt(
      {
        model: base.model,
        target: train,
        engine: shop.engine,
        random: new Random(loaded.suite.seed).fork("adaptation"),
        signal: shop.signal,
        onEpoch: epochTeller(shop, id),
        onWeights,
      },
      params,
    );
    return { model: adapted.model, training: { ...adapted, facts: {} } };
  };
  const made = await keepFollowed(shop, file, lineage, followed, adapt);
  await tell(shop, id, made.model, data.target, made.reused);
  return {
    id,
    file,
    trainableParameters: null,
    ...made,
    hash: hashModel(store.path(file)),
  };
}

/** Refuses a candidate that keeps the head of the base where that is not for the classes of the task. */
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
