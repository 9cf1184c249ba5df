import { z } from "zod";
import { attackOn, attacks, ballOf } from "#attacks";
import { choiceOf, Random } from "#core";
import {
  type Dataset,
  loadDataset,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeSamples,
} from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { accuracyOf, compile, layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import {
  architectureOf,
  asPart,
  type Epoch,
  formOf,
  type OpenPart,
  strategies,
  trainingSettings,
  tune,
} from "#tuning";

/** Parts of the digits that come with the package. */
export interface Parts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
}

/** The digits of these classes, split anew for each seed. */
export async function digits(
  seed: number,
  classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
): Promise<Parts> {
  const all = await loadDataset({ source: "digits" }, ".");
  return splitDataset(
    selectClasses(all, classes),
    { train: 0.6, validation: 0.15, test: 0.25 },
    new Random(seed),
  );
}

/** So many samples, evenly over the classes. */
export const some = (data: Dataset, count: number, seed: number): Dataset =>
  takeSamples(data, stratifiedSample(data, count, new Random(seed)));

/** A network of the package that was not trained. */
export function blank(id: string, data: Dataset, seed: number): Model {
  const random = new Random(seed).fork("weights");
  return architectureOf(id).build(data.x.dims.slice(1), data.classes, random);
}

export interface How {
  readonly strategy?: string;
  readonly settings?: Record<string, unknown>;
  readonly parts?: readonly OpenPart[];
}

/**
 * Trains a model, all of it unless a strategy is named, and says how the epoch that was
 * kept did on the validation data.
 */
export async function trained(
  model: Model,
  { train, validation }: Pick<Parts, "train" | "validation">,
  seed: number,
  { strategy = "full", settings: stated = {}, parts = [] }: How = {},
): Promise<{ model: Model; best: Epoch }> {
  const chosen = choiceOf(strategies).parse(strategy);
  const settings = z
    .strictObject(trainingSettings)
    .parse({ patience: null, ...stated });
  const random = new Random(seed);
  const all = layerGroups(model.graph);
  const form = formOf(chosen, model, all, random.fork("form"));
  const { unit, params } = chosen;
  const tuned = await tune({
    model: form.model,
    train,
    validation,
    groups: form.groups,
    stages: unit.stages(form.groups, settings.epochs, params),
    settings,
    parts,
    engine: onnxruntime,
    random,
  });
  return {
    model: form.restore(tuned.model, tuned.probed),
    best: tuned.history.find(({ best }) => best) as Epoch,
  };
}

/** A small network that learned the digits as the truths have them learn. */
export async function learned(
  parts: Pick<Parts, "train" | "validation">,
  seed: number,
  epochs: number,
  training: readonly OpenPart[] = [],
): Promise<Model> {
  const { model } = await trained(
    blank("small-cnn", parts.train, seed),
    parts,
    seed,
    { settings: { epochs, learningRate: 3e-3 }, parts: training },
  );
  return model;
}

/** A training defence as a part of a training. */
export const defense = (stated: { id: string; [name: string]: unknown }) =>
  asPart(choiceOf(trainingDefenses).parse(stated));

/** Share of the samples that a model classifies correctly. */
export const accuracy = (
  model: Model,
  data: Pick<Dataset, "x" | "y">,
): Promise<number> => accuracyOf(model, data, onnxruntime);

/** What an attack makes of samples, and the share that it leaves right. */
export async function attacked(
  model: Model,
  { x, y }: Pick<Dataset, "x" | "y">,
  stated: { id: string; [name: string]: unknown },
  norm: "linf" | "l2",
  eps: number,
  seed: number,
): Promise<{ examples: FloatTensor; robust: number }> {
  const compiled = await compile(model, onnxruntime);
  const { target, run } = attackOn(
    compiled,
    { x, y },
    choiceOf(attacks).parse(stated),
    { ball: ballOf(norm, eps, model.contract.bounds) },
    { random: new Random(seed) },
  );
  const examples = await run();
  await compiled.release();
  const stands = Array.from(target.distances).filter(
    (d) => d === Number.POSITIVE_INFINITY,
  );
  return { examples, robust: stands.length / y.length };
}
