import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { choiceOf, percent, Random } from "#core";
import type { Dataset } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { layerGroups, loadModel, type Model, saveModel } from "#model";
import { type FloatTensor, rows } from "#onnx";
import {
  architectures,
  asPart,
  strategies,
  trainingSettings,
  tune,
} from "#tuning";
import { cifar10, mnist } from "./images.ts";

const SEED = 20;

/**
 * What each network is trained on, and its course. It does not learn at 0.3 from the
 * start.
 */
const lessons = {
  plain: { images: "mnist", course: [{ eps: 0, epochs: 6 }] },
  robust: {
    images: "mnist",
    course: [
      { eps: 0.1, epochs: 3 },
      { eps: 0.2, epochs: 3 },
      { eps: 0.3, epochs: 24 },
    ],
  },
  colour: {
    images: "cifar10",
    course: [
      { eps: 0, epochs: 4 },
      { eps: 4 / 255, epochs: 8 },
    ],
  },
} as const satisfies Record<
  string,
  { readonly images: keyof typeof sources; readonly course: Course }
>;

export type ModelName = keyof typeof lessons;

/** The model of a comparison, read or trained now, and images that it has not seen. */
export async function lessonOf(
  name: ModelName,
  folder: string,
): Promise<{ readonly model: Model; readonly test: Dataset }> {
  const { images, course } = lessons[name];
  const { train, test } = sources[images];
  const file = join(folder, `${name}.onnx`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    await saveModel(file, await trained(name, await train(), course));
  }
  return { model: await loadModel(file), test: await test() };
}

const sources = { mnist, cifar10 };
/** A course of training: budgets of the adversary, and epochs at each. */
export type Course = readonly {
  readonly eps: number;
  readonly epochs: number;
}[];

/** The small network, trained by a course from weights of the same seed. */
export async function trained(
  name: string,
  train: Dataset,
  course: Course,
): Promise<Model> {
  const random = new Random(SEED);
  const parts = halves(train);
  const shape = train.x.dims.slice(1);
  let model = architecture().build(shape, train.classes, random);
  for (const { eps, epochs } of course) {
    const groups = layerGroups(model.graph);
    const stages = full().stages(groups, epochs, {});
    const tuned = await tune({
      model,
      ...parts,
      groups,
      stages,
      settings: settings.parse({ epochs, batchSize: 128, patience: null }),
      parts: eps
        ? [asPart(adversary.parse({ id: "pgd-at", eps, ...INNER }))]
        : [],
      engine: onnxruntime,
      random: random.fork(`eps ${eps}`),
      onEpoch: (e, total) =>
        console.error(
          `${name} at ${eps}: epoch ${e.epoch} of ${total}, validation ${percent(e.validationAccuracy)}`,
        ),
    });
    model = tuned.model;
  }
  return model;
}

const INNER = { steps: 10, relStepSize: 0.25 };
const settings = z.strictObject(trainingSettings);
const adversary = choiceOf(trainingDefenses);

const architecture = () =>
  architectures.find((a) => a.id === "small-cnn") as (typeof architectures)[0];
const full = () =>
  strategies.find((s) => s.id === "full") as (typeof strategies)[0];

/** A tenth to choose the epoch by. */
function halves(data: Dataset): { train: Dataset; validation: Dataset } {
  const cut = Math.round(0.9 * data.y.length);
  const part = (from: number, to: number): Dataset => ({
    ...data,
    x: rows(data.x, from, to) as FloatTensor,
    y: data.y.slice(from, to),
  });
  return { train: part(0, cut), validation: part(cut, data.y.length) };
}
