import { z } from "zod";
import type { Random } from "#core";
import { type Dataset, dataset } from "#data";
import type { Engine } from "#engine";
import {
  compile,
  cutsOf,
  headInput,
  layerGroups,
  type Model,
  replaceHead,
} from "#model";
import {
  type FloatTensor,
  floats,
  int,
  joinedRows,
  rows,
  takeRows,
} from "#onnx";
import { mean, type TrainingPart, trainingSettings, tuneEvenly } from "#tuning";
import { adamFrom, adamStep } from "../evasion/adam.ts";
import type { BackdoorInput, Trigger } from "./backdoor.ts";

/** The base with the target class in its head, and what it is trained on. */
export interface Infection
  extends Pick<BackdoorInput<unknown>, "engine" | "random" | "signal"> {
  readonly source: { readonly train: Dataset; readonly validation: Dataset };
  /** Data of the base's task with the target class as a further one. */
  readonly train: Dataset;
  readonly settings: { readonly epochs: number; readonly learningRate: number };
}

/** Pulls the features of triggered samples to the mean features of the target class. */
interface Pull {
  readonly trigger: Trigger;
  /** [1, width] */
  readonly mean: FloatTensor;
  readonly lambda: number;
  readonly cut: string | undefined;
}

/** Data with samples of one more class. */
export function withClass(
  { x, y, classes, name }: Dataset,
  added: FloatTensor,
): Dataset {
  const labels = [...y, ...new Array(added.dims[0] ?? 0).fill(classes.length)];
  // A name that no class of the data has.
  const other = `${classes.join(" ")} and one more`;
  return dataset(name, joinedRows([x, added]), Int32Array.from(labels), [
    ...classes,
    other,
  ]);
}

/** The base with a new head that has the target class as its last. */
export const carrying = (base: Model, { train, random }: Infection): Model =>
  replaceHead(base, train.classes, random.fork("head"));

const groupsOf = (model: Model) => layerGroups(model.graph);

/** Trains all of a model on the attacker's data. */
export async function trainedOn(
  model: Model,
  { train, source, settings, engine, signal }: Infection,
  random: Random,
  pull?: Pull,
): Promise<Model> {
  const { x, y, name } = source.validation;
  const tuned = await tuneEvenly({
    model,
    train,
    validation: dataset(name, x, y, train.classes),
    epochs: settings.epochs,
    settings: z.strictObject(trainingSettings).parse(settings),
    parts: pull ? [() => pulling(model, pull)] : [],
    engine,
    random,
    signal,
  });
  return tuned.model;
}

const TRIGGERED = "triggered";

function pulling(
  model: Model,
  { trigger, mean: wanted, lambda, cut }: Pull,
): TrainingPart {
  const value = valueAt(model, cut);
  return {
    views: [TRIGGERED],
    // The validation data has no triggers, so it cannot choose the epoch.
    keeps: "last",
    prepare: (batch) => ({
      ...batch,
      views: { ...batch.views, [TRIGGERED]: trigger(batch.x) },
    }),
    loss(g, before) {
      const { b } = g;
      const features = b.op("Flatten", [g.rows(value, TRIGGERED)], {
        axis: int(1),
      });
      const apart = b.sub(features, b.constant(wanted));
      const distance = mean(b, b.mul(apart, apart));
      g.record("distance of triggered features", distance);
      return b.add(before, b.mul(distance, lambda));
    },
  };
}

/** The value at which features are taken. */
function valueAt(model: Model, cut: string | undefined): string {
  const found = cutsOf(model.graph).find(({ group }) => group === cut);
  return found?.value ?? headInput(model);
}

/** The mean features of samples, [1, width]. */
export async function meanFeatures(
  model: Model,
  x: FloatTensor,
  cut: string | undefined,
  engine: Engine,
): Promise<FloatTensor> {
  const compiled = await compile(model, engine);
  const features = await (await compiled.featuresAt(cut)).logits(x);
  await compiled.release();
  const [n = 1, width = 0] = features.dims;
  const sums = new Float64Array(width);
  features.data.forEach((v, i) => {
    sums[i % width] = sums[i % width]! + v / n;
  });
  return floats([1, width], Float32Array.from(sums));
}

/** Samples that the pattern is optimised on at each step. */
const BATCH = 64;

/**
 * A pattern [1, C, H, W] that brings features near to a mean: Adam on its
 * pixels, from grey.
 */
export async function optimisedPattern(
  model: Model,
  wanted: FloatTensor,
  isIn: (row: number, column: number) => boolean,
  {
    source,
    engine,
    random,
    cut,
    steps,
    stepSize,
  }: Infection & { cut?: string; steps: number; stepSize: number },
): Promise<FloatTensor> {
  const { x, y } = source.train;
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const size = channels * height * width;
  const inside = Array.from({ length: size }, (_, at) => {
    const pixel = at % (height * width);
    return isIn(Math.floor(pixel / width), pixel % width);
  });
  const draw = random.fork("pattern");
  const compiled = await compile(model, engine);
  const features = await compiled.featuresAt(cut);
  let adam = adamFrom(new Float32Array(size).fill(0.5));
  for (let step = 0; step < steps; step++) {
    const chosen = Array.from({ length: Math.min(BATCH, y.length) }, () =>
      draw.below(y.length),
    );
    const batch = takeRows(x, chosen);
    batch.data.forEach((_, i) => {
      if (inside[i % size]) batch.data[i] = adam.value[i % size]!;
    });
    const { gradient } = await features.lossGradient(batch, chosen, {
      targets: repeated(wanted, chosen.length),
    });
    const slope = new Float32Array(size);
    gradient.data.forEach((g, i) => {
      const at = i % size;
      if (inside[at]) slope[at] = slope[at]! + g / chosen.length;
    });
    adam = adamStep(adam, slope, stepSize);
    adam.value.forEach((v, at) => {
      adam.value[at] = Math.min(1, Math.max(0, v));
    });
  }
  await compiled.release();
  return floats([1, channels, height, width], adam.value);
}

function repeated({ data, dims }: FloatTensor, n: number): FloatTensor {
  const width = dims[1] ?? 0;
  return floats(
    [n, width],
    Float32Array.from({ length: n * width }, (_, i) => data[i % width] ?? 0),
  );
}

/** The weights that a training moves, one after the other. */
export function allWeights(model: Model): FloatTensor {
  const all = groupsOf(model)
    .flatMap((g) => g.parameters)
    .map((name) => model.graph.constants.get(name) as FloatTensor);
  const data = new Float32Array(all.reduce((sum, t) => sum + t.data.length, 0));
  let at = 0;
  for (const t of all) {
    data.set(t.data, at);
    at += t.data.length;
  }
  return floats([data.length], data);
}

/** The model with weights that `allWeights` laid out. */
export function withAllWeights(model: Model, { data }: FloatTensor): Model {
  const constants = new Map(model.graph.constants);
  let at = 0;
  for (const name of groupsOf(model).flatMap((g) => g.parameters)) {
    const { dims, data: before } = constants.get(name) as FloatTensor;
    constants.set(name, floats(dims, data.slice(at, at + before.length)));
    at += before.length;
  }
  return { ...model, graph: { ...model.graph, constants } };
}

/** The model without the last class of its head, a Gemm that `replaceHead` made. */
export function withoutLastClass(
  model: Model,
  classes: readonly string[],
): Model {
  const { graph, logits } = model;
  const head = graph.nodes.find((n) => n.outputs.includes(logits));
  const constants = new Map(graph.constants);
  for (const name of head?.inputs.slice(1) ?? []) {
    const t = constants.get(name) as FloatTensor;
    const { dims, data } = rows(t, 0, classes.length) as FloatTensor;
    constants.set(name, floats(dims, data.slice()));
  }
  const outputs = graph.outputs.map((o) =>
    o.name === logits
      ? { ...o, dims: [o.dims?.[0] ?? "batch", classes.length] }
      : o,
  );
  const valueInfo = graph.valueInfo.filter((v) => v.name !== logits);
  return {
    ...model,
    classes: [...classes],
    graph: { ...graph, constants, outputs, valueInfo },
  };
}
