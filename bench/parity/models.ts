import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { choiceOf, packagePath, percent, Random } from "#core";
import { type Dataset, loadDataset } from "#data";
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

/** Where the 10,000 test images of MNIST are read from. */
const DATA = join("..", "shared", "data", "mnist");
const TRAINED = 8000;
const SEED = 20;

/** The first 8,000 images to train on, and the others. */
export async function mnist(): Promise<{ train: Dataset; test: Dataset }> {
  const all = await loadDataset(
    {
      source: "idx",
      images: join(DATA, "t10k-images-idx3-ubyte.gz"),
      labels: join(DATA, "t10k-labels-idx1-ubyte.gz"),
    },
    packagePath("."),
  );
  const part = (from: number, to: number): Dataset => ({
    ...all,
    x: rows(all.x, from, to) as FloatTensor,
    y: all.y.slice(from, to),
  });
  return { train: part(0, TRAINED), test: part(TRAINED, all.y.length) };
}

/**
 * The courses of training: budgets of the adversary, and epochs at each. It does not
 * learn at 0.3 from the start.
 */
const courses = {
  plain: [{ eps: 0, epochs: 6 }],
  robust: [
    { eps: 0.1, epochs: 3 },
    { eps: 0.2, epochs: 3 },
    { eps: 0.3, epochs: 24 },
  ],
} as const satisfies Record<string, Course>;

export type ModelName = keyof typeof courses;
export const modelNames = Object.keys(courses) as ModelName[];

/** The model of the comparison, from its file or trained now. */
export async function modelOf(name: ModelName, folder: string): Promise<Model> {
  const file = join(folder, `${name}.onnx`);
  if (existsSync(file)) return loadModel(file);
  mkdirSync(folder, { recursive: true });
  const { train } = await mnist();
  await saveModel(file, await trained(name, train, courses[name]));
  return loadModel(file);
}

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
