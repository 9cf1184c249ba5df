import { basename, resolve } from "node:path";
import { type Chosen, hashOf, packageVersion, readFile, sha256 } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import {
  compile,
  hashGraph,
  loadModel,
  type Measure,
  type Model,
  meaningOf,
  saveModel,
} from "#model";
import type { Epoch, TrainingSettings } from "#tuning";
import { accuracyOf } from "./accuracy.ts";
import type { OnEvent } from "./events.ts";
import {
  checkFits,
  checkTargets,
  type Parts,
  type PreparedData,
} from "./prepare.ts";
import type { Lineage, Rate } from "./results.ts";
import type { Store } from "./store.ts";
import type { LoadedSuite } from "./suite.ts";

/** A model of the run, with what is told of it. */
export interface ReadyModel {
  readonly id: string;
  readonly model: Model;
  /** Relative to the run's folder where the run made it, as the suite names it otherwise. */
  readonly file: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly history: Epoch[];
  readonly ended: string | null;
  readonly lineage: Lineage | null;
  readonly trainableParameters: number | null;
  /** Rows of the data it was trained on that no step drew; none when left out. */
  readonly unseen?: readonly number[];
  /** What the suite says of how its file is read, on which results depend; absent for one that the run made with one head. */
  readonly stated?: Parameters<typeof loadModel>[1];
  /** The same without the preprocessing that the suite states for it; absent where it states none. */
  readonly unprocessed?: Model;
}

/** What making a model needs. */
export interface Workshop {
  readonly loaded: LoadedSuite;
  readonly data: PreparedData;
  readonly store: Store;
  readonly engine: Engine;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
}

/** What is known before anything is trained. */
export type Known = Pick<Workshop, "loaded" | "data">;

export interface Training {
  readonly history: Epoch[];
  readonly ended: string;
  readonly facts: Readonly<Record<string, number>>;
  readonly unseen?: readonly number[];
}

/**
 * A model from a file that the suite names, which takes samples like those of the data.
 *
 * @param judged what it is judged on; null for a base, which has a task of its own
 */
export function given(
  id: string,
  named: string,
  { loaded, data }: Known,
  options: Parameters<typeof loadModel>[1],
  judged: Dataset | null,
): ReadyModel {
  const path = resolve(loaded.folder, named);
  const weights = options?.weights && resolve(loaded.folder, options.weights);
  const model = loadModel(path, { ...options, weights });
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
    ...(stated.some((v) => v !== undefined)
      ? {
          unprocessed: loadModel(path, {
            ...options,
            weights,
            input: {
              ...input,
              scale: undefined,
              mean: undefined,
              std: undefined,
            },
          }),
        }
      : {}),
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
  const told = (training: Training, reused: boolean) => ({
    history: training.history,
    ended: training.ended,
    unseen: training.unseen,
    lineage: withFacts(begun, training.facts),
    model: loadModel(store.path(file), stated),
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

export async function tell(
  shop: Workshop,
  model: string,
  ready: Model,
  parts: Parts,
  reused: boolean,
): Promise<void> {
  shop.onEvent({
    kind: "model",
    model,
    cleanAccuracy: await cleanAccuracy(ready, parts, shop.engine),
    reused,
  });
}

/** Accuracy on the whole test split, with its interval. */
export const cleanAccuracy = async (
  model: Model,
  parts: Parts,
  engine: Engine,
): Promise<Rate> => (await cleanPerformance(model, parts, engine)).accuracy;

/** The same, with how far outputs are from their targets. */
export async function cleanPerformance(
  model: Model,
  { test }: Parts,
  engine: Engine,
): Promise<{ accuracy: Rate; measures: Measure[] }> {
  const compiled = await compile(model, engine);
  try {
    const outputs = await compiled.logits(test.x);
    return {
      accuracy: accuracyOf(model, outputs, test),
      measures: meaningOf(model).measures(outputs, test.targets),
    };
  } finally {
    await compiled.release();
  }
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

/** A chosen unit as it goes into hashes and documents. */
export function describe({ unit, params }: Chosen) {
  return { id: unit.id, params: plainParams(params) };
}

/** Parameters as a suite writes them: a unit that one of them chooses becomes its id and parameters. */
export const plainParams = (
  params: Record<string, unknown>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, plainValue(value)]),
  );

function plainValue(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return value;
  if ("unit" in value && "params" in value) {
    const { unit, params } = value as Chosen;
    return { id: unit.id, ...plainParams(params) };
  }
  return plainParams(value as Record<string, unknown>);
}

export function describeSettings(settings: TrainingSettings) {
  return {
    ...settings,
    optimizer: describe(settings.optimizer),
    schedule: describe(settings.schedule),
    augment: settings.augment.map(describe),
  };
}
