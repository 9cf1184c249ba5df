import { packageVersion, type Random } from "#core";
import type { Dataset } from "#data";
import {
  type LayerGroup,
  layerGroups,
  type Model,
  modelTask,
  replaceHead,
} from "#model";
import { hashModel } from "#onnx";
import { formOf, type OpenPart, type Tuned, tune } from "#tuning";
import type { Lineage } from "../results/index.ts";
import { type CandidateSpec, describe, type Suite } from "../suite/index.ts";
import { keepFollowed, type OnModel } from "./epochs.ts";
import { describeSettings, epochTeller } from "./keep.ts";
import type { ReadyModel, Workshop } from "./ready.ts";
import { partsOf, trainingOf } from "./training-parts.ts";

/** A fine-tuning that is ready to run. */
export interface FineTuning {
  readonly spec: CandidateSpec;
  /** The base with the new head or heads. */
  readonly headed: Model;
  readonly groups: readonly LayerGroup[];
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly parts: readonly OpenPart[];
  readonly random: Random;
}

/** What is fine-tuned with one head, and on what. */
export interface Recipe {
  readonly spec: CandidateSpec;
  readonly base: Model;
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Training data of the target domain: its classes are those of the new head. */
  readonly target: Dataset;
  readonly task: Suite["task"];
  readonly random: Random;
}

/** Puts a new head on the base, and says how the whole is trained. */
export function withNewHead(recipe: Recipe): FineTuning {
  const { spec, base, target, task, random } = recipe;
  const headed = replaceHead(
    base,
    target.classes,
    random.fork("head"),
    spec.cut,
    modelTask(task).task,
  );
  return {
    ...recipe,
    headed,
    groups: layerGroups(headed.graph, spec.trainable),
    parts: partsOf(spec, base, target),
  };
}

/** What a strategy makes of a fine-tuning. */
export interface PlannedTuning {
  readonly trainableParameters: number;
  run(
    how: Pick<Parameters<typeof tune>[0], "engine" | "signal" | "onEpoch"> & {
      readonly onModel?: OnModel;
    },
  ): Promise<{ model: Model; training: Tuned }>;
}

/** The form, the stages and the way back that a candidate's strategy says. */
export function planTuning({
  spec,
  headed,
  groups: all,
  train,
  validation,
  parts,
  random,
}: FineTuning): PlannedTuning {
  const { strategy } = spec;
  if (!strategy)
    throw new Error("what is tuned has a strategy; the schema says so");
  const settings = trainingOf(spec);
  const form = formOf(strategy, headed, all, random.fork("form"));
  const { groups } = form;
  const stages = strategy.unit.stages(groups, settings.epochs, strategy.params);
  const trained = new Set(stages.flatMap((s) => [...s.rates.keys()]));
  return {
    trainableParameters: groups
      .filter((g) => trained.has(g.name))
      .reduce((sum, g) => sum + g.size, 0),
    async run({ onModel, ...how }) {
      const training = await tune({
        model: form.model,
        train,
        validation,
        groups,
        stages,
        settings,
        parts,
        random,
        ...how,
        onWeights:
          onModel &&
          ((epoch, model, probed) =>
            onModel(epoch, form.restore(model, probed))),
      });
      return { model: form.restore(training.model, training.probed), training };
    },
  };
}

/** What the suite says of a tuning, as it goes into hashes. */
export function describeTuning(spec: CandidateSpec) {
  const { strategy, training = [], regularizer, trainable, cut } = spec;
  return {
    strategy: strategy && describe(strategy),
    training: training.map(describe),
    regularizer: regularizer && describe(regularizer),
    trainable,
    cut,
    replica: spec.replica?.index ?? 1,
    settings: describeSettings(trainingOf(spec)),
  };
}

/** The purpose that a tuning's generator is for: the first of several seeds is what a candidate would be with one. */
export const purposeOf = ({ replica }: CandidateSpec): string =>
  replica && replica.index > 1 ? `candidate ${replica.index}` : "candidate";

/** What a tuned model is called, and what it depends on. */
interface Named {
  readonly id: string;
  /** Of its file; the id when left out. */
  readonly name?: string;
  readonly key: string;
  /** Whether the weights after each epoch are kept too. */
  readonly followed?: boolean;
}

/** Runs a fine-tuning, or takes its model from the store. */
export async function keepTuned(
  { id, name = id, key, followed = false }: Named,
  tuning: FineTuning,
  base: ReadyModel,
  shop: Workshop,
  stated?: ReadyModel["stated"],
): Promise<ReadyModel & { reused: boolean }> {
  const file = `models/${name}-${key.slice(0, 12)}.onnx`;
  const planned = planTuning(tuning);
  const lineage: Lineage = {
    baseHash: base.hash,
    dataHash: tuning.train.fingerprint,
    strategy: tuning.spec.strategy?.unit.id as string,
    seed: shop.loaded.suite.seed,
    assayVersion: packageVersion(),
  };
  const { engine, signal } = shop;
  const how = { engine, signal, onEpoch: epochTeller(shop, name) };
  const made = await keepFollowed(
    shop,
    file,
    lineage,
    followed,
    (onModel) => planned.run({ ...how, onModel }),
    stated,
  );
  return {
    id,
    file,
    ...(stated ? { stated } : {}),
    trainableParameters: planned.trainableParameters,
    ...made,
    hash: hashModel(shop.store.path(file)),
  };
}
