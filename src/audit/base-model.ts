import { hashOf, packageVersion, Random } from "#core";
import { layerGroups, type Model, modelTask } from "#model";
import { hashModel } from "#onnx";
import { architectures, tune } from "#tuning";
import {
  describeSettings,
  epochTeller,
  given,
  keep,
  type ReadyModel,
  type Training,
  tell,
  trainingKey,
  type Workshop,
} from "./models.ts";
import { checkTargets, type Parts } from "./prepare.ts";
import type { Lineage } from "./results.ts";

/** The base: read from its file, or pre-trained on the source task. Null when the suite names none. */
export async function makeBase(shop: Workshop): Promise<ReadyModel | null> {
  const { loaded, data, store } = shop;
  const { base } = loaded.suite;
  if (!base) return null;
  if (base.model !== undefined) {
    return given("base", base.model, shop, {
      input: base.input,
      classes: base.classes,
      task: base.task,
      weights: base.weights,
    });
  }
  const parts = data.pretraining as Parts;
  const { architecture: id, ...settings } = base.pretrain as NonNullable<
    typeof base.pretrain
  >;
  const key = hashOf({
    kind: "base",
    id,
    task: loaded.suite.task,
    settings: describeSettings(settings),
    ...trainingKey(shop, parts),
  });
  const file = `models/base-${key.slice(0, 12)}.onnx`;
  const random = new Random(loaded.suite.seed).fork("base");
  const train = async (): Promise<{ model: Model; training: Training }> => {
    const architecture = architectures.find(
      (a) => a.id === id,
    ) as (typeof architectures)[number];
    const blank: Model = {
      ...architecture.build(
        parts.train.x.dims.slice(1),
        parts.train.classes,
        random.fork("weights"),
      ),
      ...modelTask(loaded.suite.task),
    };
    checkTargets(blank, parts.train, "base");
    const groups = layerGroups(blank.graph);
    const stages = [
      {
        epochs: settings.epochs,
        rates: new Map(groups.map((g) => [g.name, 1])),
      },
    ];
    const tuned = await tune({
      model: blank,
      ...parts,
      groups,
      stages,
      settings,
      engine: shop.engine,
      random,
      signal: shop.signal,
      onEpoch: epochTeller(shop, "base"),
    });
    return { model: tuned.model, training: tuned };
  };
  const lineage: Lineage = {
    baseHash: null,
    dataHash: parts.train.fingerprint,
    strategy: `pre-trained ${id}`,
    seed: loaded.suite.seed,
    assayVersion: packageVersion(),
  };
  const made = await keep(shop, file, lineage, train);
  await tell(shop, "base", made.model, parts, made.reused);
  return {
    id: "base",
    file,
    trainableParameters: null,
    ...made,
    hash: hashModel(store.path(file)),
  };
}
