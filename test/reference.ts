import { z } from "zod";
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
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  sizeOf,
} from "#onnx";
import {
  architectures,
  type Moment,
  type TrainingContext,
  type TrainingSettings,
  trainingSettings,
  tuneEvenly,
} from "#tuning";
import { openSlope } from "../src/tuning/slope.ts";

/** Training settings with the defaults of a suite. */
export function settings(
  stated: Record<string, unknown> = {},
): TrainingSettings {
  return z.strictObject(trainingSettings).parse(stated);
}

/** Normal numbers. */
export function draw(
  seed: number,
  dims: readonly number[],
  scale = 1,
): FloatTensor {
  const random = new Random(seed);
  return floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => scale * random.normal()),
  );
}

/** A quarter of the digits 0-4, split. */
export async function smallDigits(): Promise<{
  train: Dataset;
  validation: Dataset;
  test: Dataset;
}> {
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

let trained: Promise<Model> | undefined;

/**
 * The small network, trained for a few epochs: the model that attacks and
 * defences are tried on.
 */
export function reference(): Promise<Model> {
  trained ??= (async () => {
    const parts = await smallDigits();
    const model = { ...untrained(), classes: parts.train.classes };
    const { model: tuned } = await tuneEvenly({
      model,
      ...parts,
      epochs: 8,
      settings: settings({ learningRate: 3e-3 }),
      engine: onnxruntime,
      random: new Random(4),
    });
    return tuned;
  })();
  return trained;
}

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

/**
 * A linear classifier: logits = W x + b, rows of W by class, of vectors or of another
 * shape of as many numbers.
 */
export function linearModel(
  weights: readonly (readonly number[])[],
  bias: readonly number[],
  shape: readonly number[] = [weights[0]?.length ?? 0],
): Model {
  const b = new GraphBuilder(emptyGraph("linear"));
  b.input({ name: "input", type: "float32", dims: ["batch", ...shape] });
  const flat =
    shape.length === 1 ? "input" : b.op("Flatten", ["input"], { axis: int(1) });
  const w = b.constant(
    floats([weights.length, weights[0]?.length ?? 0], weights.flat()),
    "head.weight",
  );
  const c = b.constant(floats([bias.length], bias), "head.bias");
  const logits = b.op("Gemm", [flat, w, c], { transB: int(1) }, "logits");
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [...shape], bounds: [0, 1] },
    classes: weights.map((_, i) => `c${i}`),
    straightThrough: [],
  };
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
