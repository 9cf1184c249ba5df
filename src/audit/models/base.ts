import { hashOf, packageVersion, Random, UsageError } from "#core";
import { type Engine, onnxruntime } from "#engine";
import {
  inTargetUnits,
  isPositioned,
  type Model,
  modelOf,
  modelTask,
} from "#model";
import { hashModel } from "#onnx";
import {
  architectureOf,
  asPart,
  inOneStage,
  rehearse,
  tuneEvenly,
} from "#tuning";
import type { Lineage } from "../results/index.ts";
import { describe, type Suite } from "../suite/index.ts";
import { checkTargets, type Parts } from "../tasks/index.ts";
import { fileKey, fromFile } from "./file.ts";
import type { KeyPlace, Known, ReadyModel, Workshop } from "./ready.ts";
import {
  announceEpochs,
  describeSettings,
  modelFile,
  type Training,
  trainingKey,
  trainOnce,
} from "./train-once.ts";

/**
 * A base, or the model that does not descend from it, as far as it is known before
 * anything is trained: from its file, or with weights that it may start from.
 */
export async function outlineOf(
  which: "base" | "unrelated",
  known: Known,
): Promise<Model | null> {
  const { suite } = known.loaded;
  const spec = suite[which];
  if (spec?.model !== undefined)
    return (
      await fromFile(which, spec.model, known, statedOf(spec, suite), null)
    ).model;
  if (!suite.base?.pretrain) return null;
  const random = new Random(0);
  const model = blank(which, known, random);
  rehearse(inOneStage(pretrainingOf(known, model, onnxruntime, random)));
  return model;
}

/**
 * The base: read from its file, or pre-trained on the source task. Null when the
 * suite names none.
 */
export async function makeBase(shop: Workshop): Promise<ReadyModel | null> {
  const { suite } = shop.loaded;
  const { base } = suite;
  if (!base) return null;
  return base.model !== undefined
    ? fromFile("base", base.model, shop, statedOf(base, suite), null)
    : pretrained("base", shop);
}

/** The id of a model that does not descend from the base. No candidate can have it. */
const UNRELATED = "unrelated base";

/**
 * The control of attacks through the base: read from its file, or trained as the base
 * is, from another seed.
 */
export async function makeUnrelated(shop: Workshop): Promise<ReadyModel> {
  const { suite } = shop.loaded;
  const { unrelated } = suite;
  return unrelated
    ? fromFile(
        UNRELATED,
        unrelated.model,
        shop,
        statedOf(unrelated, suite),
        null,
      )
    : pretrained(UNRELATED, shop);
}

/** @param own what the suite's models do; the base of a language model is one too */
const statedOf = (
  {
    input,
    classes,
    output,
    pool,
    task,
    weights,
  }: Omit<NonNullable<Suite["unrelated"]>, "model">,
  { task: own }: Pick<Suite, "task">,
) => ({
  input,
  classes,
  head: output,
  pool,
  task: task ?? (own?.kind === "lm" ? own : undefined),
  weights,
});

/**
 * Hash of all that the base, or the model that does not descend from it, is made of;
 * null where there is none.
 */
export function baseKey(
  which: "base" | "unrelated",
  place: KeyPlace,
): string | null {
  const { suite } = place.loaded;
  const spec = suite[which];
  if (spec?.model !== undefined)
    return fileKey(spec.model, place, statedOf(spec, suite), null);
  return suite.base?.pretrain
    ? pretrainedKey(which === "base" ? "base" : UNRELATED, place)
    : null;
}

function pretrainedKey(id: string, place: KeyPlace): string {
  const { loaded, data } = place;
  const { pretrain } = loaded.suite.base ?? {};
  if (!pretrain) throw new Error("the plan says that the base is pre-trained");
  const { architecture, training = [], ...settings } = pretrain;
  return hashOf({
    kind: id,
    id: architecture,
    task: loaded.suite.task,
    settings: describeSettings(settings),
    training: training.length > 0 ? training.map(describe) : undefined,
    ...trainingKey(place, data.pretraining as Parts),
  });
}

/** Trained from scratch on the source task. The id is part of the seed. */
async function pretrained(id: string, shop: Workshop): Promise<ReadyModel> {
  const { loaded, data, store } = shop;
  const parts = data.pretraining as Parts;
  const name = loaded.suite.base?.pretrain?.architecture;
  const key = pretrainedKey(id, shop);
  const file = modelFile(id.replaceAll(" ", "-"), key);
  const random = new Random(loaded.suite.seed).fork(id);
  const train = async (): Promise<{ model: Model; training: Training }> => {
    const model = blank(id, shop, random.fork("weights"));
    const tuned = await tuneEvenly({
      ...pretrainingOf(shop, model, shop.engine, random),
      signal: shop.signal,
      onEpoch: announceEpochs(shop, id),
    });
    return { model: tuned.model, training: tuned };
  };
  const lineage: Lineage = {
    baseHash: null,
    dataHash: parts.train.fingerprint,
    strategy: `pre-trained ${name}`,
    seed: loaded.suite.seed,
    assayVersion: packageVersion(),
  };
  const { trained } = await trainOnce(shop, file, lineage, train);
  return {
    id,
    file,
    trainableParameters: null,
    ...trained,
    key,
    hash: hashModel(store.path(file)),
  };
}

/** The training of a built-in architecture, as the suite states it. */
function pretrainingOf(
  { loaded, data }: Known,
  model: Model,
  engine: Engine,
  random: Random,
) {
  const { train, validation } = data.pretraining as Parts;
  const { pretrain } = loaded.suite.base ?? {};
  if (!pretrain) throw new Error("the plan says that the base is pre-trained");
  const { architecture: _, training = [], ...settings } = pretrain;
  const { epochs } = settings;
  const parts = training.map(asPart);
  return { model, train, validation, epochs, settings, parts, engine, random };
}

/** A built-in architecture before its training. */
function blank(id: string, { loaded, data }: Known, random: Random): Model {
  const { base, task } = loaded.suite;
  const architecture = architectureOf(base?.pretrain?.architecture as string);
  const { train } = data.pretraining as Parts;
  const shape = train.x.dims.slice(1);
  const plain = architecture.build(shape, train.classes, random);
  if (task?.kind === "ctc")
    throw new UsageError(
      "ARCHITECTURE_INPUT",
      "no built-in architecture says sequences without an alignment",
      "Give base: { model: crnn.onnx } instead of base.pretrain.",
    );
  const placed = task !== undefined && isPositioned(task);
  if (placed !== (architecture.atPositions ?? false))
    throw new UsageError(
      "ARCHITECTURE_INPUT",
      placed
        ? `${architecture.id} answers for a sample as a whole, and the task is a class at each position`
        : `${architecture.id} answers at each position, and the task is one of whole samples`,
      placed
        ? "Give base.pretrain.architecture: small-unet, or a base model."
        : "Give another base.pretrain.architecture, or task: { kind: positions, least: 0.9 }.",
    );
  const model = placed
    ? modelOf(plain.graph, architecture.id, { task, classes: train.classes })
    : { ...plain, ...modelTask(task) };
  checkTargets(model, train, id);
  return inTargetUnits(model, train.targets);
}
