import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { choiceOf, packagePath, percent, Random } from "#core";
import type { Dataset } from "#data";
import { trainingDefenses } from "#defenses";
import { type Engine, onnxruntime } from "#engine";
import {
  argmaxRows,
  compile,
  layerGroups,
  loadModel,
  type Model,
  saveModel,
} from "#model";
import { type FloatTensor, rows } from "#onnx";
import {
  type Architecture,
  architectures,
  asPart,
  trainingSettings,
  tune,
} from "#tuning";
import { mnist } from "./parity/images.ts";

// Adversarial training on MNIST: the network of the challenge on some of the
// 8,000 images, then AutoAttack at Linf 0.3 on images that were not trained on.
// Prints a line of the table in docs/results.md.

const { values: options } = parseArgs({
  options: {
    architecture: { type: "string", default: "madry-cnn" },
    size: { type: "string", default: "8000" },
    epochs: { type: "string", default: "20" },
    defense: { type: "string", default: "pgd-at" },
    steps: { type: "string", default: "10" },
    relStepSize: { type: "string", default: "0.25" },
    warmUp: { type: "string", default: "0.4" },
    rate: { type: "string", default: "1e-3" },
    batch: { type: "string", default: "100" },
    /** Turns images by up to 10 degrees and shifts them by up to 2 pixels. */
    augment: { type: "boolean", default: false },
    attacked: { type: "string", default: "1000" },
    threads: { type: "string", default: "0" },
    /** A model to go on from, by its file; a new one when left out. */
    start: { type: "string" },
    /** A model to attack as it is, by its file. */
    model: { type: "string" },
  },
});

const EPS = 0.3;
const number = (name: keyof typeof options) => Number(options[name]);
/** On a busy machine one thread wastes the least; 0 leaves it to onnxruntime. */
const engine: Engine = {
  ...onnxruntime,
  load: (graph, more) =>
    onnxruntime.load(graph, { ...more, threads: number("threads") }),
};
const folder = packagePath("runs/robust");
const name = [
  options.architecture,
  options.defense,
  ...["size", "epochs", "steps", "relStepSize", "warmUp", "rate", "batch"].map(
    (key) => options[key as keyof typeof options],
  ),
  ...(options.augment ? ["augmented"] : []),
  ...(options.start ? [basename(options.start, ".onnx")] : []),
].join("_");
const file = options.model ?? join(folder, `${name}.onnx`);
const [train, test] = [await mnist.train(), await mnist.test()];

const begun = performance.now();
if (!options.model && !existsSync(file)) await trained();
const trainedIn = performance.now() - begun;
const model = await loadModel(file);
const held = {
  x: rows(test.x, 0, number("attacked")) as FloatTensor,
  y: test.y.slice(0, number("attacked")),
};
const clean = await rightOf(model, held);
const attackBegun = performance.now();
const robust = await standing(model, held, clean);
console.log(
  `| ${[
    ...(options.model
      ? [options.model]
      : [options.architecture, options.defense, options.size, options.epochs]),
    percent(clean.length / held.y.length),
    `${percent(robust / held.y.length)} of ${held.y.length}`,
    minutes(trainedIn),
    minutes(performance.now() - attackBegun),
  ].join(" | ")} |`,
);

async function trained(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const size = number("size");
  // A tenth, at most 500, chooses the epoch.
  const cut = size - Math.min(500, Math.round(0.1 * size));
  const part = (from: number, to: number): Dataset => ({
    ...train,
    x: rows(train.x, from, to) as FloatTensor,
    y: train.y.slice(from, to),
  });
  const random = new Random(1);
  const architecture = architectures.find(
    (a) => a.id === options.architecture,
  ) as Architecture;
  const blank = options.start
    ? await loadModel(options.start)
    : architecture.build(
        train.x.dims.slice(1),
        train.classes,
        random.fork("weights"),
      );
  const groups = layerGroups(blank.graph);
  const epochs = number("epochs");
  const defense = choiceOf(trainingDefenses).parse({
    id: options.defense,
    eps: EPS,
    steps: number("steps"),
    relStepSize: number("relStepSize"),
    warmUp: number("warmUp"),
  });
  const { model, ended } = await tune({
    model: blank,
    train: part(0, cut),
    validation: part(cut, size),
    groups,
    stages: [{ epochs, rates: new Map(groups.map((g) => [g.name, 1])) }],
    settings: z.strictObject(trainingSettings).parse({
      epochs,
      batchSize: number("batch"),
      learningRate: number("rate"),
      schedule: { id: "cosine" },
      augment: options.augment
        ? [
            { id: "rotate", degrees: 10 },
            { id: "crop", padding: 2 },
          ]
        : [],
      patience: null,
    }),
    parts: [asPart(defense)],
    engine,
    random,
    onEpoch: (e, total) =>
      console.error(
        `${name}: epoch ${e.epoch} of ${total}, loss ${e.trainLoss.toFixed(3)}, robust validation ${percent(e.validationAccuracy)}, minute ${minutes(performance.now() - begun)}`,
      ),
  });
  console.error(ended);
  saveModel(file, model);
}

/** Indices of the samples that a model classifies correctly. */
async function rightOf(
  model: Model,
  { x, y }: { x: FloatTensor; y: Int32Array },
): Promise<number[]> {
  const compiled = await compile(model, engine);
  const predicted = argmaxRows(await compiled.logits(x));
  await compiled.release();
  return [...y.keys()].filter((i) => predicted[i] === y[i]);
}

/** How many of these samples AutoAttack does not break. */
async function standing(
  model: Model,
  held: { x: FloatTensor; y: Int32Array },
  right: readonly number[],
): Promise<number> {
  const unit = attacks.find((a) => a.id === "autoattack") as Attack;
  const compiled = await compile(model, engine);
  const { target, run } = attackOn(
    compiled,
    held,
    { unit, params: unit.params.parse({}) },
    { ball: ballOf("linf", EPS, model.contract.bounds) },
    { rows: right, random: new Random(2) },
  );
  await run();
  await compiled.release();
  return target.distances.filter((d) => d === Number.POSITIVE_INFINITY).length;
}

function minutes(ms: number): string {
  return (ms / 60_000).toFixed(1);
}
