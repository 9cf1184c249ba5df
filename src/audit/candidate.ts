import { hashOf, packageVersion, Random, UsageError } from "#core";
import { layerGroups, modelTask, replaceHead } from "#model";
import { hashModel } from "#onnx";
import { formOf, tune } from "#tuning";
import { makeAdapted } from "./adapted.ts";
import {
  describe,
  describeSettings,
  epochTeller,
  given,
  keep,
  type ReadyModel,
  tell,
  trainingKey,
  type Workshop,
} from "./models.ts";
import { checkTargets, type Parts } from "./prepare.ts";
import type { Lineage } from "./results.ts";
import type { Suite } from "./suite.ts";
import { judgedOn, taskNamed } from "./tasks.ts";
import { partsOf, trainingOf } from "./training-parts.ts";

/** A candidate: fine-tuned from the base as its strategy says, or read from its file. */
export async function makeCandidate(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { loaded, data, store } = shop;
  const { suite } = loaded;
  const spec = suite.candidates[id] as Suite["candidates"][string];
  if (spec.model !== undefined) {
    const { member } = spec;
    const { target } = judgedOn(data, member);
    const options = {
      input: spec.input,
      classes: target.test.classes,
      task: member ? taskNamed(loaded, member.task) : suite.task,
      ...(member ? { head: member.task } : {}),
      weights: spec.weights,
    };
    const ready = given(id, spec.model, shop, options, target.test);
    await tell(shop, id, ready.model, target, false);
    return ready;
  }
  const {
    strategy,
    training = [],
    trainable,
    cut,
    regularizer,
    adaptation,
    labels,
    replica,
  } = spec;
  const settings = trainingOf(spec);
  if (!base) throw new Error("a tuned candidate has a base; the plan says so");
  if (adaptation?.unit.kind === "source-free")
    return makeAdapted(id, shop, base, adaptation);
  if (!strategy)
    throw new Error("what is not adapted has a strategy; the schema says so");
  const parts =
    labels === "source" || adaptation ? sourceDomainOf(id, shop) : data.target;
  const key = hashOf({
    kind: "candidate",
    base: base.hash,
    strategy: describe(strategy),
    training: training.map(describe),
    regularizer: regularizer && describe(regularizer),
    adaptation: adaptation && {
      ...describe(adaptation),
      target: data.target.train.fingerprint,
    },
    trainable,
    cut,
    replica: replica?.index ?? 1,
    task: suite.task,
    settings: describeSettings(settings),
    ...trainingKey(shop, parts),
  });
  const file = `models/${id}-${key.slice(0, 12)}.onnx`;
  // The seed does not name the candidate, so candidates differ by what they state and not by luck.
  // The first of several seeds is what the candidate would be with one.
  const random = new Random(suite.seed).fork(
    replica && replica.index > 1 ? `candidate ${replica.index}` : "candidate",
  );
  const headed = replaceHead(
    base.model,
    data.target.train.classes,
    random.fork("head"),
    cut,
    modelTask(suite.task).task,
  );
  checkTargets(headed, data.target.test, id);
  const form = formOf(
    strategy,
    headed,
    layerGroups(headed.graph, trainable),
    random.fork("form"),
  );
  const { groups } = form;
  const stages = strategy.unit.stages(groups, settings.epochs, strategy.params);
  const trained = new Set(stages.flatMap((s) => [...s.rates.keys()]));
  const lineage: Lineage = {
    baseHash: base.hash,
    dataHash: parts.train.fingerprint,
    strategy: strategy.unit.id,
    seed: suite.seed,
    assayVersion: packageVersion(),
  };
  const made = await keep(shop, file, lineage, async () => {
    const tuned = await tune({
      model: form.model,
      ...parts,
      groups,
      stages,
      settings,
      parts: partsOf(spec, base.model, data.target.train),
      engine: shop.engine,
      random,
      signal: shop.signal,
      onEpoch: epochTeller(shop, id),
    });
    const model = form.restore(tuned.model, tuned.probed);
    return { model, training: tuned };
  });
  await tell(shop, id, made.model, data.target, made.reused);
  return {
    id,
    file,
    trainableParameters: groups
      .filter((g) => trained.has(g.name))
      .reduce((sum, g) => sum + g.size, 0),
    ...made,
    hash: hashModel(store.path(file)),
  };
}

/** The labelled data of the source domain. */
function sourceDomainOf(id: string, { data, loaded }: Workshop): Parts {
  if (data.sourceDomain) return data.sourceDomain;
  throw new UsageError(
    "SUITE_INVALID",
    `${loaded.file}: candidates.${id} learns from a source domain, the suite has none`,
    "State sourceData, or a shift of the data.",
  );
}
