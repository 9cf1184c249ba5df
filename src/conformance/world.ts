import { Random } from "#core";
import {
  type Dataset,
  loadDataset,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeSamples,
} from "#data";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile, layerGroups, type Model } from "#model";
import { type FloatTensor, floats, GraphBuilder, sizeOf } from "#onnx";
import {
  architectures,
  type Moment,
  openSlope,
  settingsSchema,
  type TrainingContext,
  tuneEvenly,
} from "#tuning";
import { once } from "./law.ts";

/** Data as a training takes it. */
export interface Parts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
}

/** A quarter of the built-in digits 0 to 4, split: 8x8 pixels of one channel. */
export async function smallDigits(): Promise<Parts> {
  const all = selectClasses(await loadDataset({ source: "digits" }, "."), [
    "0",
    "1",
    "2",
    "3",
    "4",
  ]);
  const some = takeSamples(all, stratifiedSample(all, 300, new Random(1)));
  return splitDataset(
    some,
    { train: 0.6, validation: 0.2, test: 0.2 },
    new Random(2),
  );
}

/** A small network that was not trained, on 8x8 digits. */
export function untrained(
  classes = ["a", "b", "c", "d", "e"],
  seed = 3,
): Model {
  return architectures[0]!.build([1, 8, 8], classes, new Random(seed));
}

/**
 * The small network, trained for a few epochs: the model that attacks and
 * defences are tried on. Trained once in a process.
 */
export const reference = once(async (): Promise<Model> => {
  const parts = await smallDigits();
  const model = { ...untrained(), classes: parts.train.classes };
  const { model: tuned } = await tuneEvenly({
    model,
    ...parts,
    epochs: 8,
    settings: settingsSchema.parse({ learningRate: 3e-3 }),
    engine: onnxruntime,
    random: new Random(4),
  });
  return tuned;
});

/**
 * The model with a batch normalisation behind every convolution that
 * changes nothing yet.
 */
export function normalised(model: Model): Model {
  const { graph } = model;
  const b = new GraphBuilder({ ...graph, nodes: [] }, "norm/");
  const behind = new Map<string, string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => behind.get(name) ?? name);
    b.append({ ...node, inputs });
    if (node.op !== "Conv") continue;
    const value = node.outputs[0]!;
    const channels = graph.constants.get(node.inputs[1] ?? "")?.dims[0] ?? 0;
    const filled = (name: string, by: number) =>
      b.constant(
        floats([channels], new Float32Array(channels).fill(by)),
        `${node.name}.norm.${name}`,
      );
    behind.set(
      value,
      b.op("BatchNormalization", [
        value,
        filled("weight", 1),
        filled("bias", 0),
        filled("running_mean", 0),
        filled("running_var", 1),
      ]),
    );
  }
  return { ...model, graph: b.build() };
}

/** What a part of a training is told when it begins, here of ten steps. */
export const context = (model: Model): TrainingContext => ({
  model,
  engine: onnxruntime,
  trained: layerGroups(model.graph).flatMap((g) => g.parameters),
  samples: 100,
  batchSize: 20,
  steps: 10,
  stepsPerEpoch: 5,
  random: new Random(5),
});

/** The first step of a training on a batch of this size. */
export async function momentOf(
  model: Model,
  size: number,
): Promise<{ moment: Moment; compiled: CompiledModel }> {
  const compiled = await compile(model, onnxruntime);
  return {
    compiled,
    moment: {
      model: compiled,
      slope: openSlope(model, new Map(), [], onnxruntime).at,
      random: Array.from({ length: size }, (_, i) => new Random(i)),
      batchRandom: new Random(6),
      step: 0,
      progress: 0,
      epoch: 1,
    },
  };
}

/** Uniform numbers in [0, 1). */
export function uniform(seed: number, dims: readonly number[]): FloatTensor {
  const random = new Random(seed);
  return floats(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.uniform()),
  );
}

/** A generator for each of so many samples. */
export const streams = (count: number, seed: number): Random[] =>
  Array.from({ length: count }, (_, i) => new Random(seed).fork(i));
