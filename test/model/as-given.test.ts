import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  answersAsGiven,
  argmaxRows,
  type LoadModelOptions,
  loadModel,
  logitsOf,
} from "#model";
import {
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  numbers,
  tensor,
  typeCodes,
  type ValueInfo,
  writeModel,
} from "#onnx";
import { packagePath } from "../../src/core/files.ts";
import { temporaryFolder } from "../folder.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const folder = temporaryFolder();
let count = 0;

function built(
  inputs: readonly ValueInfo[],
  add: (b: GraphBuilder) => Record<string, string>,
): Graph {
  const b = new GraphBuilder({ ...emptyGraph("given"), inputs });
  const outputs = Object.entries(add(b));
  for (const [name, value] of outputs) b.rename(value, name);
  return b.build(outputs.map(([name]) => name));
}

const X: ValueInfo = { name: "x", type: "float32", dims: ["batch", 3] };

const x = floats([4, 3], [0.9, 0.1, 0, 0, 0.8, 0.1, 0, 0, 0.7, 0.3, 0.2, 0.9]);

/** What a file says as it is, and what the model that is made of it says. */
async function both(
  graph: Graph,
  options: LoadModelOptions,
  samples: FloatTensor = x,
): Promise<[given: FloatTensor, model: FloatTensor]> {
  const path = join(folder, `given-${count++}.onnx`);
  writeModel(path, graph);
  const model = await loadModel(path, options);
  const { outputs, by } = await answersAsGiven(path, options, samples);
  expect(by).toBe("onnxruntime");
  return [outputs, await logitsOf(model, samples, onnxruntime)];
}

const signs = (t: FloatTensor) => numbers(t).map(Math.sign);

/** x times a number, in halves: what is too small for them is 0 where it leaves. */
const scaled = (by: number): Graph =>
  built([X], (b) => {
    const small = b.mul(b.mul("x", by), by);
    return { logits: b.op("Cast", [small], { to: int(typeCodes.float16) }) };
  });

test("a file computes in its own types: what underflows in halves says one class for everything", async () => {
  const options = { classes: ["a", "b", "c"] };
  const [plain] = await both(scaled(0.5), options);
  expect([...argmaxRows(plain)]).toEqual([0, 1, 2, 2]);
  const [under, attacked] = await both(scaled(1e-4), options);
  expect([...argmaxRows(under)]).toEqual([0, 0, 0, 0]);
  expect([...argmaxRows(attacked)]).toEqual([0, 1, 2, 2]);
});

test("a batch that is fixed, and does not divide the samples, is filled up", async () => {
  const graph = built([{ ...X, dims: [3, 3] }], (b) => ({
    logits: b.op("LeakyRelu", ["x"], { alpha: float(0.5) }),
  }));
  const options = { classes: ["a", "b", "c"], input: { mean: 1 } };
  const [given, model] = await both(graph, options);
  expect(given.dims).toEqual([4, 3]);
  expect([...argmaxRows(given)]).toEqual([...argmaxRows(model)]);
});

test("bytes are fed as bytes, behind the scaling that the model gets", async () => {
  const graph = built([{ ...X, type: "uint8" }], (b) => ({
    logits: b.sub(b.cast("x", "float32"), 100),
  }));
  const [given, model] = await both(graph, { classes: ["a", "b", "c"] });
  expect(numbers(given)).toEqual(numbers(model));
  expect(numbers(given)[0]).toBe(Math.round(0.9 * 255) - 100);
});

test("a quantised model runs in its own integers", async () => {
  const graph = built([X], (b) => {
    const scale = b.scalar(1 / 255);
    const zero = b.constant(tensor("uint8", [], new Uint8Array(1)));
    const bytes = b.op("QuantizeLinear", ["x", scale, zero]);
    const weight = b.constant(
      tensor("uint8", [3, 3], Uint8Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2)),
    );
    const product = b.op("MatMulInteger", [bytes, weight]);
    return { logits: b.cast(product, "float32") };
  });
  const [given, model] = await both(graph, { classes: ["a", "b", "c"] });
  expect(numbers(given)).toEqual(numbers(model));
});

test("further inputs get what the suite states, and an initial state of one sample is asked alone", async () => {
  const flag: ValueInfo = { name: "flag", type: "int64", dims: ["batch", 1] };
  const state: ValueInfo = { name: "h", type: "float32", dims: [1, 3] };
  const single = built([X, flag, state], (b) => {
    const sum = b.add("x", b.mul(b.cast("flag", "float32"), b.scalar(2)));
    return { logits: b.add(sum, "h") };
  });
  const options = {
    classes: ["a", "b", "c"],
    input: { name: "x", others: { flag: 3, h: 0.25 } },
  };
  const [given, model] = await both(single, options);
  expect(numbers(given)).toEqual(numbers(model));
  expect(numbers(given)[0]).toBeCloseTo(0.9 + 6.25, 5);
});

test("of several outputs the one that is judged is taken", async () => {
  const graph = built([X], (b) => ({
    features: b.neg("x"),
    logits: b.mul("x", 2),
  }));
  const [given, model] = await both(graph, { classes: ["a", "b", "c"] });
  expect(numbers(given)).toEqual(numbers(model));
});

test("labels behind a sigmoid hold above a half, one logit stands for two classes", async () => {
  const labels = built([X], (b) => ({
    probabilities: b.op("Sigmoid", [b.sub("x", 0.25)]),
  }));
  const [given, model] = await both(labels, {
    classes: ["a", "b", "c"],
    task: { kind: "multi-label" },
  });
  expect(signs(given)).toEqual(signs(model));
  const one = built([X], (b) => ({
    yes: b.op("Sigmoid", [b.sub(b.slice("x", [0], [1], [1]), 0.1)]),
  }));
  const [two, twoOfModel] = await both(one, { classes: ["no", "yes"] });
  expect(two.dims).toEqual([4, 2]);
  expect([...argmaxRows(two)]).toEqual([...argmaxRows(twoOfModel)]);
});

test("values are compared as they are", async () => {
  const graph = built([X], (b) => ({ price: b.mul("x", 1000) }));
  const [given, model] = await both(graph, {
    classes: ["a", "b", "c"],
    task: { kind: "regression", tolerance: 1 },
  });
  expect(numbers(given)).toEqual(numbers(model));
});

test("token ids go in as whole numbers, with the mask of their padding", async () => {
  const ids: ValueInfo = { name: "input_ids", type: "int64", dims: ["N", 4] };
  const mask: ValueInfo = { ...ids, name: "attention_mask" };
  const graph = built([ids, mask], (b) => {
    const table = b.constant(floats([5, 2], [9, 9, 1, 2, 3, -4, 5, 6, -7, 8]));
    const vectors = b.op("Gather", [table, "input_ids"]);
    const real = b.unsqueeze(b.cast("attention_mask", "float32"), [2]);
    return { logits: b.reduceSum(b.mul(vectors, real), [1]) };
  });
  const texts = floats([2, 4], [1, 2, 0, 0, 3, 4, 4, 0]);
  const options = { classes: ["a", "b"] };
  const path = join(folder, `texts.onnx`);
  writeModel(path, graph);
  const model = await loadModel(path, {
    ...options,
    input: { shape: [4] },
  });
  const { outputs } = await answersAsGiven(
    path,
    { ...options, input: { shape: [4] } },
    texts,
  );
  expect(numbers(outputs)).toEqual([4, -2, -9, 22]);
  const logits = await logitsOf(model, texts, onnxruntime);
  expect(numbers(logits)).toEqual(numbers(outputs));
});

test("some of the outputs, and another order of names, as the model has them", async () => {
  const graph = built([X], (b) => ({ logits: b.mul("x", 1) }));
  const [given, model] = await both(graph, {
    classes: ["c", "a"],
    outputs: [2, 0],
  });
  expect(numbers(given)).toEqual(numbers(model));
});

test("a LayersModel is run by TensorFlow.js itself", async () => {
  const model = tf.sequential();
  model.add(
    tf.layers.conv2d({
      inputShape: [4, 4, 2],
      filters: 3,
      kernelSize: 3,
      strides: 2,
      padding: "same",
      activation: "relu",
    }),
  );
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ units: 3, activation: "softmax" }));
  const at = join(folder, "layers");
  mkdirSync(at);
  await model.save(
    tf.io.withSaveHandler(
      async ({ modelTopology, weightSpecs, weightData }) => {
        writeFileSync(
          join(at, "weights.bin"),
          Buffer.from(weightData as ArrayBuffer),
        );
        const weightsManifest = [
          { paths: ["weights.bin"], weights: weightSpecs },
        ];
        writeFileSync(
          join(at, "model.json"),
          JSON.stringify({ modelTopology, weightsManifest }),
        );
        return {
          modelArtifactsInfo: {
            dateSaved: new Date(0),
            modelTopologyType: "JSON",
          },
        };
      },
    ),
  );
  const path = join(at, "model.json");
  const images = floats(
    [5, 2, 4, 4],
    Float32Array.from({ length: 160 }, (_, i) => Math.sin(i) ** 2),
  );
  const options = { classes: ["a", "b", "c"] };
  const { outputs, by } = await answersAsGiven(path, options, images);
  const opened = await loadModel(path, options);
  const logits = await logitsOf(opened, images, onnxruntime);
  expect(by).toContain("tfjs");
  expect([...argmaxRows(outputs)]).toEqual([...argmaxRows(logits)]);
  // They are shares, not the logits of the model.
  expect(
    numbers(outputs)
      .slice(0, 3)
      .reduce((s, p) => s + p, 0),
  ).toBeCloseTo(1);
});

test.each([
  "small.half-weights",
  "lstm.keras",
  "resnet.opset9.torchscript",
  "bert-pair.torchscript",
  "bert.dynamo",
  "llama-default.torchscript",
  "convnext.dynamo",
  "logistic-two.sklearn",
])("%s, as its exporter wrote it", async (name) => {
  const source = packagePath("test/fixtures/exported", `${name}.onnx`);
  const path = join(folder, `${name}.onnx`);
  copyFileSync(source, path);
  const model = await loadModel(path);
  const { shape } = model.contract;
  const n = shape.reduce((size, d) => size * d, 5);
  const samples = floats(
    [5, ...shape],
    Float32Array.from({ length: n }, (_, i) =>
      model.embedding ? 1 + (i % 7) : Math.sin(i) ** 2,
    ),
  );
  const { outputs } = await answersAsGiven(path, {}, samples);
  const logits = await logitsOf(model, samples, onnxruntime);
  expect(outputs.dims).toEqual(logits.dims);
  expect([...argmaxRows(outputs)]).toEqual([...argmaxRows(logits)]);
});
