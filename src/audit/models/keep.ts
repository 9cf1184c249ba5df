import { packageVersion } from "#core";
import { loadModel, type Model, saveModel } from "#model";
import type { Epoch, TrainingSettings } from "#tuning";
import type { Lineage } from "../results/index.ts";
import { describe } from "../suite/index.ts";
import type { Parts } from "../tasks/index.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

export interface Training {
  readonly history: Epoch[];
  readonly ended: string;
  readonly facts: Readonly<Record<string, number>>;
  readonly unseen?: readonly number[];
}

/** Trains a model unless its file is there, and keeps it with its training curve. The model that counts is the one in the file. */
export async function keep(
  { store }: Workshop,
  file: string,
  begun: Lineage,
  train: () => Promise<{ model: Model; training: Training }>,
  stated?: ReadyModel["stated"],
): Promise<
  Pick<ReadyModel, "history" | "ended" | "lineage" | "model" | "unseen"> & {
    reused: boolean;
  }
> {
  const record = file.replace(/\.onnx$/, ".json");
  const before = store.read<Training>(record);
  const told = async (training: Training, reused: boolean) => ({
    history: training.history,
    ended: training.ended,
    unseen: training.unseen,
    lineage: withFacts(begun, training.facts),
    model: await loadModel(store.path(file), stated),
    reused,
  });
  if (before) return told(before, true);
  const { model, training } = await train();
  const { history, ended, facts, unseen } = training;
  saveModel(store.path(file), model, {
    "assay.lineage": JSON.stringify(withFacts(begun, facts)),
  });
  // Written last: a record means that the model is whole.
  store.write(record, { history, ended, facts, unseen });
  return told(training, false);
}

const withFacts = (lineage: Lineage, facts: Training["facts"]): Lineage =>
  Object.keys(facts).length > 0 ? { ...lineage, facts } : lineage;

export function epochTeller({ onEvent }: Workshop, model: string) {
  return (line: Epoch, epochs: number) =>
    onEvent({
      kind: "epoch",
      model,
      epoch: line.epoch,
      epochs,
      validationAccuracy: line.validationAccuracy,
    });
}

/** What every training depends on besides its own settings. */
export function trainingKey(
  { loaded, engine }: Workshop,
  { train, validation }: Pick<Parts, "train" | "validation">,
) {
  return {
    seed: loaded.suite.seed,
    train: train.fingerprint,
    validation: validation.fingerprint,
    version: packageVersion(),
    engine: engine.title,
  };
}

export function describeSettings(settings: TrainingSettings) {
  return {
    ...settings,
    optimizer: describe(settings.optimizer),
    schedule: describe(settings.schedule),
    augment: settings.augment.map(describe),
  };
}
