import { existsSync } from "node:fs";
import { loadModel, type Model, saveModel } from "#model";
import type { Epoch, TrainingSettings } from "#tuning";
import type { Lineage } from "../results/index.ts";
import type { Store } from "../store.ts";
import { describe } from "../suite/index.ts";
import type { Parts } from "../tasks/index.ts";
import { kept, madeBy } from "../workplace.ts";
import type { KeyPlace, ReadyModel, Workshop } from "./ready.ts";

export interface Training {
  readonly history: Epoch[];
  readonly ended: string;
  readonly facts: Readonly<Record<string, number>>;
  readonly claims?: readonly string[];
  readonly unseen?: readonly number[];
}

/** What is known of a model that was trained. */
export type Trained = Pick<
  ReadyModel,
  "history" | "ended" | "lineage" | "model" | "unseen"
>;

/**
 * Trains a model unless its file is there, and keeps it with its training curve. The
 * model that counts is the one in the file.
 */
export async function trainOnce(
  { store }: Workshop,
  file: string,
  begun: Lineage,
  train: () => Promise<{ model: Model; training: Training }>,
  stated?: ReadyModel["stated"],
): Promise<{ readonly trained: Trained; readonly reused: boolean }> {
  const { record, reused } = await kept(
    { store },
    recordOf(file),
    async (): Promise<Training> => {
      const { model, training } = await train();
      const { history, ended, facts, claims, unseen } = training;
      saveModel(store.path(file), model, {
        "assay.lineage": JSON.stringify(withFacts(begun, training)),
      });
      return { history, ended, facts, claims, unseen };
    },
    () => filesOfModel(store, file),
  );
  const { facts, claims, ...training } = record;
  const trained = {
    ...training,
    lineage: withFacts(begun, { facts, claims }),
    model: await loadModel(store.path(file), stated),
  };
  return { trained, reused };
}

/** The file of a model that a run makes, in its store. */
export const modelFile = (name: string, key: string): string =>
  `models/${name}-${key.slice(0, 12)}.onnx`;

/** The record of how it was made, which is there once the file is. */
export const recordOf = (file: string): string =>
  file.replace(/\.onnx$/, ".json");

/** A model's file, and the one of its weights where these have one of their own. */
export const filesOfModel = (
  { path }: Pick<Store, "path">,
  file: string,
): string[] => [file, `${file}.data`].filter((name) => existsSync(path(name)));

const withFacts = (
  lineage: Lineage,
  { facts, claims = [] }: Pick<Training, "facts" | "claims">,
): Lineage => ({
  ...lineage,
  facts: Object.keys(facts).length > 0 ? facts : undefined,
  claims: claims.length > 0 ? [...claims] : undefined,
});

export function announceEpochs({ onEvent }: Workshop, model: string) {
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
  place: KeyPlace,
  { train, validation }: Pick<Parts, "train" | "validation">,
) {
  return {
    train: train.fingerprint,
    validation: validation.fingerprint,
    ...madeBy(place),
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
