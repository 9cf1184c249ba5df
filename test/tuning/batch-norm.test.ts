import { expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { type Model, modelOf } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  GraphBuilder,
} from "#onnx";
import { tuneEvenly } from "#tuning";
import { draw, settings } from "../reference.ts";

/** Linear layer, batch normalisation, ReLU, linear layer. */
function normalised(): Model {
  const b = new GraphBuilder(emptyGraph("normalised"));
  b.input({ name: "x", type: "float32", dims: ["batch", 3] });
  const first = b.matmul("x", b.constant(draw(1, [3, 4]), "first.weight"));
  const stats: [string, number[]][] = [
    ["norm.weight", [1, 1.5, 0.5, 1]],
    ["norm.bias", [0, 0.1, -0.1, 0]],
    ["norm.running_mean", [0, 1, -1, 0]],
    ["norm.running_var", [1, 2, 0.5, 1]],
  ];
  const names = stats.map(([name, v]) => b.constant(floats([4], v), name));
  const unit = b.op("Relu", [
    b.op("BatchNormalization", [first, ...names], {
      epsilon: float(1e-5),
      momentum: float(0.8),
    }),
  ]);
  const graph = b.build([
    b.op("MatMul", [unit, b.constant(draw(2, [4, 2]), "head.weight")], {}, "y"),
  ]);
  return modelOf(graph, "normalised.onnx");
}

const x = draw(3, [6, 3]);
const data: Dataset = {
  x,
  y: Int32Array.from([0, 1, 1, 0, 1, 0]),
  classes: ["0", "1"],
  fingerprint: "made",
} as Dataset;

const trainOnce = (batchNorm: "frozen" | "batch") => {
  const model = normalised();
  return tuneEvenly({
    model,
    train: data,
    validation: data,
    epochs: 1,
    settings: settings({
      epochs: 1,
      batchSize: 6,
      optimizer: "sgd",
      learningRate: 0.1,
      batchNorm,
    }),
    engine: onnxruntime,
    random: new Random(1),
  });
};

const numbersOf = (model: Model, name: string) =>
  Array.from(model.graph.constants.get(name)?.data as Float32Array);

test("running statistics stay, unless they are asked to follow the batches", async () => {
  const { model } = await trainOnce("frozen");
  expect(numbersOf(model, "norm.running_mean")).toEqual([0, 1, -1, 0]);
});

test("they move towards the mean and the population variance of the batch", async () => {
  const before = normalised();
  const weight = before.graph.constants.get("first.weight") as FloatTensor;
  const { model } = await trainOnce("batch");
  for (let c = 0; c < 4; c++) {
    const values = Array.from({ length: 6 }, (_, n) =>
      [0, 1, 2].reduce(
        (sum, k) => sum + x.data[n * 3 + k]! * weight.data[k * 4 + c]!,
        0,
      ),
    );
    const mean = values.reduce((s, v) => s + v, 0) / 6;
    const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / 6;
    const was = (name: string) => numbersOf(before, name)[c]!;
    expect(numbersOf(model, "norm.running_mean")[c]).toBeCloseTo(
      0.8 * was("norm.running_mean") + 0.2 * mean,
      4,
    );
    expect(numbersOf(model, "norm.running_var")[c]).toBeCloseTo(
      0.8 * was("norm.running_var") + 0.2 * variance,
      4,
    );
  }
});

test("a batch trains differently by its own statistics", async () => {
  const [frozen, batch] = await Promise.all([
    trainOnce("frozen"),
    trainOnce("batch"),
  ]);
  expect(numbersOf(batch.model, "first.weight")).not.toEqual(
    numbersOf(frozen.model, "first.weight"),
  );
});
