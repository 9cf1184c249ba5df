import { packageVersion, type Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import {
  inTargetUnits,
  type LayerGroup,
  layerGroups,
  type Model,
  modelTask,
  replaceHead,
  type Task,
} from "#model";
import { hashModel } from "#onnx";
import { formOf, type OpenPart, rehearse, type Tuned, tune } from "#tuning";
import type { Lineage } from "../results/index.ts";
import {
  type Candidate,
  describe,
  type MemberCandidate,
  type TunedCandidate,
} from "../suite/index.ts";
import { type OnModel, trainFollowed } from "./epochs.ts";
import type { ReadyModel, Workshop } from "./ready.ts";
import { announceEpochs, describeSettings, modelFile } from "./train-once.ts";
import { partsOf } from "./training-parts.ts";

/** A fine-tuning that is ready to run. */
export interface FineTuning {
  readonly candidate: TunedCandidate | MemberCandidate;
  /** The base with the new head or heads. */
  readonly headed: Model;
  readonly groups: readonly LayerGroup[];
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly parts: readonly OpenPart[];
  readonly random: Random;
}

/** What a candidate with one new head learns from. */
export interface TuningData
  extends Pick<FineTuning, "train" | "validation" | "random"> {
  /** Whose classes and targets the head has; what an adaptation adapts to. */
  readonly target: Dataset;
  readonly task?: Task;
}

/**
 * The fine-tuning of a base with one new head; of a language model with its own, since
 * its tokens stay what they are.
 */
export function fineTuningFrom(
  base: Model,
  candidate: TunedCandidate,
  { target, task, random, ...learned }: TuningData,
): FineTuning {
  const headed =
    task?.kind === "lm"
      ? base
      : inTargetUnits(
          replaceHead(
            base,
            target.classes,
            random.fork("head"),
            candidate.cut,
            modelTask(task).task,
          ),
          target.targets,
        );
  return {
    ...learned,
    candidate,
    headed,
    groups: layerGroups(headed.graph, candidate.trainable),
    parts: partsOf(candidate, base, target),
    random,
  };
}

/** What a strategy makes of a fine-tuning. */
export interface PlannedTuning {
  readonly trainableParameters: number;
  /** Refuses what `run` would refuse before its first step. */
  rehearse(): void;
  run(
    how: Pick<
      Parameters<typeof tune>[0],
      "engine" | "signal" | "shelf" | "onEpoch"
    > & {
      readonly onModel?: OnModel;
    },
  ): Promise<{ model: Model; training: Tuned }>;
}

/** The form, the stages and the way back that a candidate's strategy says. */
export function planTuning({
  candidate,
  headed,
  groups: all,
  train,
  validation,
  parts,
  random,
}: FineTuning): PlannedTuning {
  const { strategy, settings } = candidate;
  const form = formOf(strategy, headed, all, random.fork("form"));
  const { groups } = form;
  const stages = strategy.unit.stages(groups, settings.epochs, strategy.params);
  const trained = new Set(stages.flatMap((s) => [...s.rates.keys()]));
  const input = {
    model: form.model,
    train,
    validation,
    groups,
    stages,
    settings,
    parts,
    random,
  };
  return {
    trainableParameters: groups
      .filter((g) => trained.has(g.name))
      .reduce((sum, g) => sum + g.size, 0),
    rehearse: () => rehearse({ ...input, engine: onnxruntime }),
    async run({ onModel, ...how }) {
      const training = await tune({
        ...input,
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
export function describeTuning(candidate: FineTuning["candidate"]) {
  const { strategy, training, regularizer, trainable, cut } = candidate;
  return {
    strategy: describe(strategy),
    training: training.map(describe),
    regularizer: regularizer && describe(regularizer),
    trainable,
    cut,
    replica: candidate.replica?.index ?? 1,
    settings: describeSettings(candidate.settings),
  };
}

/**
 * The purpose that a candidate's generator is for: the first of several seeds is what
 * it would be with one.
 */
export const purposeOf = (
  purpose: "candidate" | "adaptation",
  { replica }: Pick<Candidate, "replica">,
): string =>
  replica && replica.index > 1 ? `${purpose} ${replica.index}` : purpose;

/** What a tuned model is called, and what it depends on. */
interface Named {
  /** Of its file; the id of the candidate when left out. */
  readonly name?: string;
  readonly key: string;
  /** Whether the weights after each epoch are kept too. */
  readonly followed?: boolean;
}

/** Runs a fine-tuning, or takes its model from the store. */
export async function tuneOnce(
  { name, key, followed = false }: Named,
  tuning: FineTuning,
  base: Pick<ReadyModel, "hash">,
  shop: Workshop,
  stated?: ReadyModel["stated"],
): Promise<ReadyModel> {
  const { id, strategy } = tuning.candidate;
  const title = name ?? id;
  const file = modelFile(title, key);
  const planned = planTuning(tuning);
  const lineage: Lineage = {
    baseHash: base.hash,
    dataHash: tuning.train.fingerprint,
    strategy: strategy.unit.id,
    seed: shop.loaded.suite.seed,
    assayVersion: packageVersion(),
  };
  const { engine, signal, shelf } = shop;
  const how = { engine, signal, shelf, onEpoch: announceEpochs(shop, title) };
  const made = await trainFollowed(
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
    stated,
    trainableParameters: planned.trainableParameters,
    ...made,
    key,
    hash: hashModel(shop.store.path(file)),
  };
}
