import { basename, resolve } from "node:path";
import { type Chosen, hashOf, packageVersion, Random, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import {
  compile,
  hashGraph,
  layerGroups,
  loadModel,
  type Measure,
  type Model,
  meaningOf,
  modelTask,
  replaceHead,
  saveModel,
} from "#model";
import { type FloatTensor, hashModel } from "#onnx";
import {
  type Adaptation,
  architectures,
  asPart,
  type Epoch,
  formOf,
  type JointAdaptation,
  type OpenPart,
  type TrainingContext,
  type TrainingSettings,
  trainingSettings,
  tune,
} from "#tuning";
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
import type { LoadedSuite, Suite } from "./suite.ts";
import { judgedOn, taskNamed } from "./tasks.ts";

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

interface Training {
  readonly history: Epoch[];
  readonly ended: string;
  readonly facts: Readonly<Record<string, number>>;
}

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

/** How a candidate is trained, without all else that the suite says of it. */
export const trainingOf = (
  spec: Suite["candidates"][string],
): TrainingSettings =>
  Object.fromEntries(
    Object.keys(trainingSettings).map((key) => [
      key,
      spec[key as keyof TrainingSettings],
    ]),
  ) as unknown as TrainingSettings;

/** The labelled data of the source domain. */
function sourceDomainOf(id: string, { data, loaded }: Workshop): Parts {
  if (data.sourceDomain) return data.sourceDomain;
  throw new UsageError(
    "SUITE_INVALID",
    `${loaded.file}: candidates.${id} learns from a source domain, the suite has none`,
    "State sourceData, or a shift of the data.",
  );
}

/** The base adapted to the target domain without labels: its own head, its own classes. */
async function makeAdapted(
  id: string,
  shop: Workshop,
  base: ReadyModel,
  { unit, params }: Chosen<Adaptation>,
): Promise<ReadyModel> {
  const { data, loaded, store } = shop;
  const { train } = data.target;
  if (unit.kind !== "source-free")
    throw new Error(`adaptation ${unit.id} needs a source`);
  if (base.model.classes.join() !== train.classes.join())
    throw new UsageError(
      "SUITE_INVALID",
      `${loaded.file}: candidates.${id} keeps the head of the base, whose classes are ${base.model.classes.join(", ")}; the task has ${train.classes.join(", ")}`,
      "Pre-train the base on sourceData or on data without the shift, or name its classes.",
    );
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
  const made = await keep(shop, file, lineage, async () => {
    const adapted = await unit.adapt(
      {
        model: base.model,
        target: train,
        engine: shop.engine,
        random: new Random(loaded.suite.seed).fork("adaptation"),
        signal: shop.signal,
        onEpoch: epochTeller(shop, id),
      },
      params,
    );
    return { model: adapted.model, training: { ...adapted, facts: {} } };
  });
  await tell(shop, id, made.model, data.target, made.reused);
  return {
    id,
    file,
    trainableParameters: null,
    ...made,
    hash: hashModel(store.path(file)),
  };
}

/** What a candidate changes of plain training: its proactive defences, its adaptation, then what holds it near to the base. */
export function partsOf(
  { training = [], regularizer, adaptation }: Suite["candidates"][string],
  { graph }: Model,
  target: Dataset,
): OpenPart[] {
  const start = (name: string) => {
    const value = graph.constants.get(name);
    return value?.type === "float32" ? (value as FloatTensor) : undefined;
  };
  return [
    ...training.map(asPart),
    ...(adaptation?.unit.kind === "joint"
      ? [joined(adaptation.unit, adaptation.params, target)]
      : []),
    ...(regularizer
      ? [
          (context: TrainingContext) =>
            regularizer.unit.open(regularizer.params, context, start),
        ]
      : []),
  ];
}

const joined =
  (
    unit: JointAdaptation,
    params: Record<string, unknown>,
    target: Dataset,
  ): OpenPart =>
  (context) =>
    unit.open(params, context, target);

/** A model from a file that the suite names, which takes samples like these. */
function given(
  id: string,
  named: string,
  { loaded, data }: Workshop,
  options: Parameters<typeof loadModel>[1],
  test: Dataset = data.target.test,
): ReadyModel {
  const path = resolve(loaded.folder, named);
  const model = loadModel(path, options);
  const { shape, bounds } = model.contract;
  checkFits(
    test,
    shape,
    bounds,
    id === "base" ? test.classes : model.classes,
    basename(named),
  );
  if (id !== "base") checkTargets(model, test, basename(named));
  const { input } = options ?? {};
  const stated = [input?.scale, input?.mean, input?.std];
  return {
    id,
    model,
    ...(stated.some((v) => v !== undefined)
      ? {
          unprocessed: loadModel(path, {
            ...options,
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
    hash: hashGraph(path),
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
  Pick<ReadyModel, "history" | "ended" | "lineage" | "model"> & {
    reused: boolean;
  }
> {
  const record = file.replace(/\.onnx$/, ".json");
  const before = store.read<Training>(record);
  const told = ({ history, ended, facts }: Training, reused: boolean) => ({
    history,
    ended,
    lineage: withFacts(begun, facts),
    model: loadModel(store.path(file), stated),
    reused,
  });
  if (before) return told(before, true);
  const { model, training } = await train();
  const { history, ended, facts } = training;
  saveModel(store.path(file), model, {
    "assay.lineage": JSON.stringify(withFacts(begun, facts)),
  });
  // Written last: a record means that the model is whole.
  store.write(record, { history, ended, facts });
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
  return { id: unit.id, params };
}

export function describeSettings(settings: TrainingSettings) {
  return {
    ...settings,
    optimizer: describe(settings.optimizer),
    schedule: describe(settings.schedule),
    augment: settings.augment.map(describe),
  };
}
