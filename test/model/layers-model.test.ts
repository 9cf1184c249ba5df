import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { runAudit } from "#audit";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { hashGraph, inspectModel, loadModel } from "#model";
import { floats, type Graph, numbers, sizeOf, type Tensor } from "#onnx";
import { readLayersModel } from "../../src/model/layers-model/read.ts";
import { put, temporaryFolder } from "../folder.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const folder = temporaryFolder();
let count = 0;

/**
 * Weights that are all used and nowhere near a special case. Variances are positive.
 */
function settle(model: tf.LayersModel): void {
  const random = new Random(7);
  for (const weight of model.weights) {
    const positive = /variance|gamma/.test(weight.originalName);
    const n = sizeOf(weight.shape as number[]);
    const values = Array.from({ length: n }, () =>
      positive ? 0.5 + random.uniform() : 0.4 * random.normal(),
    );
    weight.write(tf.tensor(values, weight.shape as number[]));
  }
}

/** Saves a model as tfjs does: model.json and its weights beside it, in two files. */
async function save(model: tf.LayersModel): Promise<string> {
  const at = join(folder, `model-${count++}`);
  mkdirSync(at);
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      const data = artifacts.weightData as ArrayBuffer;
      const half = Math.floor(data.byteLength / 2);
      writeFileSync(
        join(at, "group1-shard1of2.bin"),
        Buffer.from(data, 0, half),
      );
      writeFileSync(join(at, "group1-shard2of2.bin"), Buffer.from(data, half));
      const { modelTopology, format, generatedBy } = artifacts;
      const weightsManifest = [
        {
          paths: ["group1-shard1of2.bin", "group1-shard2of2.bin"],
          weights: artifacts.weightSpecs,
        },
      ];
      writeFileSync(
        join(at, "model.json"),
        JSON.stringify({ modelTopology, format, generatedBy, weightsManifest }),
      );
      return {
        modelArtifactsInfo: {
          dateSaved: new Date(0),
          modelTopologyType: "JSON",
        },
      };
    }),
  );
  return join(at, "model.json");
}

/** Runs an imported graph on data in Keras's layout. */
async function run(graph: Graph, feeds: Record<string, Tensor>) {
  const session = await onnxruntime.load(graph);
  const outputs = await session.run(feeds);
  await session.release();
  return outputs[graph.outputs[0]?.name ?? ""] as Tensor;
}

/** The imported graph computes what tfjs predicts. */
async function expectSame(model: tf.LayersModel, ids = 0): Promise<Graph> {
  settle(model);
  const graph = readLayersModel(await save(model));
  const random = new Random(3);
  const inputs = model.inputs.map((input) => {
    const dims = [2, ...input.shape.slice(1).map((d) => d ?? 5)];
    return {
      dims,
      values: Array.from({ length: sizeOf(dims) }, () =>
        ids ? Math.floor(ids * random.uniform()) : random.normal(),
      ),
    };
  });
  const wanted = model.predict(
    inputs.map(({ dims, values }) => tf.tensor(values, dims)),
  ) as tf.Tensor;
  const seen = await run(
    graph,
    Object.fromEntries(
      graph.inputs.map(({ name, type }, i) => {
        const { dims, values } = inputs[i]!;
        return [
          name,
          type === "int64"
            ? { type, dims, data: BigInt64Array.from(values, BigInt) }
            : floats(dims, values),
        ];
      }),
    ),
  );
  expect(seen.dims).toEqual(wanted.shape);
  const [a, b] = [numbers(seen), Array.from(wanted.dataSync())];
  expect(b.some((v) => Math.abs(v) > 1e-3)).toBe(true);
  a.forEach((v, i) => {
    expect(v).toBeCloseTo(b[i]!, 5);
  });
  return graph;
}

const { layers } = tf;
type Layer = tf.layers.Layer;
const sequential = (...list: Layer[]) => tf.sequential({ layers: list });

const image = { inputShape: [9, 7, 3] };

describe("one layer", () => {
  const cases: [string, () => tf.LayersModel][] = [
    ...["valid", "same"].flatMap((padding) =>
      [
        { strides: 1, dilationRate: 1 },
        { strides: 2, dilationRate: 1 },
        { strides: [1, 3], dilationRate: 1 },
        { strides: 1, dilationRate: [2, 1] },
      ].map(({ strides, dilationRate }): [string, () => tf.LayersModel] => [
        `Conv2D ${padding} ${strides} ${dilationRate}`,
        () =>
          sequential(
            layers.conv2d({
              ...image,
              filters: 4,
              kernelSize: [3, 2],
              padding: padding as "same",
              strides: strides as [number, number],
              dilationRate: dilationRate as [number, number],
              activation: "tanh",
            }),
          ),
      ]),
    ),
    ...(["valid", "same"] as const).map(
      (padding): [string, () => tf.LayersModel] => [
        `Conv1D ${padding}`,
        () =>
          sequential(
            layers.conv1d({
              inputShape: [8, 2],
              filters: 3,
              kernelSize: 3,
              padding,
              useBias: padding !== "same",
            }),
          ),
      ],
    ),
    ...(["valid", "same"] as const).flatMap((padding) =>
      [1, 2].map((strides): [string, () => tf.LayersModel] => [
        `DepthwiseConv2D and SeparableConv2D ${padding} ${strides}`,
        () =>
          sequential(
            layers.depthwiseConv2d({
              ...image,
              kernelSize: 3,
              depthMultiplier: 2,
              padding,
              strides,
            }),
            layers.separableConv2d({
              filters: 3,
              kernelSize: 2,
              padding,
              strides,
              activation: "relu",
            }),
          ),
      ]),
    ),
    ...(["valid", "same"] as const).flatMap((padding) =>
      [1, 2, 3].map((strides): [string, () => tf.LayersModel] => [
        `Conv2DTranspose ${padding} ${strides}`,
        () =>
          sequential(
            layers.conv2dTranspose({
              inputShape: [4, 3, 2],
              filters: 3,
              kernelSize: 2,
              padding,
              strides,
            }),
          ),
      ]),
    ),
    ...((["valid", "same"] as const).flatMap((padding) => [
      [
        `MaxPooling2D ${padding}`,
        () =>
          sequential(
            layers.maxPooling2d({
              ...image,
              poolSize: [3, 2],
              strides: 2,
              padding,
            } as never),
          ),
      ],
      [
        `AveragePooling2D ${padding}`,
        () =>
          sequential(
            layers.averagePooling2d({ ...image, poolSize: [2, 3], padding }),
          ),
      ],
      [
        `pooling 1D ${padding}`,
        () =>
          sequential(
            layers.maxPooling1d({
              inputShape: [9, 2],
              poolSize: 2,
              strides: 1,
              padding,
            }),
            layers.averagePooling1d({ poolSize: 3, padding }),
          ),
      ],
    ]) as [string, () => tf.LayersModel][]),
    ...[
      "elu relu relu6 selu sigmoid hardSigmoid softmax logSoftmax softplus softsign tanh swish mish gelu gelu_new linear".split(
        " ",
      ),
    ]
      .flat()
      .map((activation): [string, () => tf.LayersModel] => [
        `Dense ${activation}`,
        () =>
          sequential(
            layers.dense({
              inputShape: [5],
              units: 4,
              activation: activation as "relu",
            }),
          ),
      ]),
    [
      "activations of their own",
      () =>
        sequential(
          layers.conv2d({ ...image, filters: 4, kernelSize: 3 }),
          layers.leakyReLU({ alpha: 0.2 }),
          layers.conv2d({ filters: 3, kernelSize: 2 }),
          layers.prelu(),
          layers.elu({ alpha: 1 }),
          layers.conv2d({ filters: 3, kernelSize: 2 }),
          layers.thresholdedReLU({ theta: 0.1 }),
          layers.reLU({ maxValue: 1 }),
          layers.activation({ activation: "sigmoid" }),
          layers.softmax({ axis: -1 }),
        ),
    ],
    [
      "PReLU with shared axes",
      () => sequential(layers.prelu({ ...image, sharedAxes: [1, 2] } as never)),
    ],
    [
      "normalisations",
      () =>
        sequential(
          layers.batchNormalization({ ...image, epsilon: 0.01 }),
          layers.layerNormalization({ epsilon: 0.02 }),
          layers.batchNormalization({ scale: false, center: false }),
          layers.flatten(),
          layers.batchNormalization(),
        ),
    ],
    [
      "shapes",
      () =>
        sequential(
          layers.zeroPadding2d({
            ...image,
            padding: [
              [1, 2],
              [0, 1],
            ],
          }),
          layers.upSampling2d({ size: [2, 3] }),
          layers.cropping2D({
            cropping: [
              [1, 0],
              [2, 1],
            ],
          }),
          layers.permute({ dims: [3, 1, 2] }),
          layers.reshape({ targetShape: [-1, 7] }),
          layers.dropout({ rate: 0.5 }),
          layers.dense({ units: 3 }),
          layers.globalMaxPooling1d({}),
        ),
    ],
    [
      "bilinear upsampling and global pooling",
      () =>
        sequential(
          layers.upSampling2d({
            ...image,
            size: [2, 2],
            interpolation: "bilinear",
          }),
          layers.gaussianNoise({ stddev: 1 }),
          layers.globalAveragePooling2d({}),
        ),
    ],
    [
      "GlobalMaxPooling2D",
      () => sequential(layers.globalMaxPooling2d({ ...image } as never)),
    ],
    ...(["simpleRNN", "gru", "lstm"] as const).flatMap((kind) =>
      [true, false].flatMap((returnSequences) =>
        [true, false].map((goBackwards): [string, () => tf.LayersModel] => [
          `${kind}${returnSequences ? " sequences" : ""}${goBackwards ? " backwards" : ""}`,
          () =>
            sequential(
              layers[kind]({
                inputShape: [5, 3],
                units: 4,
                returnSequences,
                goBackwards,
                useBias: !goBackwards,
                recurrentActivation: goBackwards ? "hardSigmoid" : "sigmoid",
              } as never),
            ),
        ]),
      ),
    ),
  ];

  test.each(cases)("%s", async (_name, make) => {
    await expectSame(make());
  });

  // tfjs can save it, but not run it.
  test("Conv1D causal is one that is padded in front", async () => {
    const model = sequential(
      layers.conv1d({ inputShape: [8, 2], filters: 3, kernelSize: 3 }),
    );
    settle(model);
    const path = await save(model);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(
        '"padding":"valid"',
        '"padding":"causal"',
      ),
    );
    const graph = readLayersModel(path);
    const random = new Random(3);
    const x = floats(
      [1, 8, 2],
      Array.from({ length: 16 }, () => random.normal()),
    );
    const padded = floats([1, 10, 2], [0, 0, 0, 0, ...x.data]);
    const seen = await run(graph, { [graph.inputs[0]?.name ?? ""]: x });
    const kernel = model.weights[0]?.read().dataSync() ?? [];
    const bias = model.weights[1]?.read().dataSync() ?? [];
    numbers(seen).forEach((v, i) => {
      const [t, f] = [Math.floor(i / 3), i % 3];
      let sum = bias[f]!;
      for (let k = 0; k < 6; k++)
        sum += padded.data[2 * t + k]! * kernel[3 * k + f]!;
      expect(v).toBeCloseTo(sum, 5);
    });
    expect(seen.dims).toEqual([1, 8, 3]);
  });

  test("an embedding takes whole numbers", async () => {
    const graph = await expectSame(
      sequential(
        layers.embedding({ inputDim: 11, outputDim: 4, inputLength: 6 }),
        layers.lstm({ units: 3 }),
        layers.dense({ units: 2, activation: "softmax" }),
      ),
      11,
    );
    expect(graph.inputs[0]?.type).toBe("int64");
  });
});

describe("whole models", () => {
  /** A residual network with shared layers, branches and a model inside. */
  function functional(): tf.LayersModel {
    const input = tf.input({ shape: [8, 8, 3] });
    const shared = layers.conv2d({
      filters: 4,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
    });
    const stem = layers.conv2d({ filters: 3, kernelSize: 1 }).apply(input);
    const twice = [stem, input].map((x) => shared.apply(x)) as never[];
    const merged = [
      layers.add().apply(twice),
      layers.multiply().apply(twice),
      layers.average().apply(twice),
      layers.maximum().apply(twice),
      layers.minimum().apply(twice),
    ] as never[];
    const joined = layers.concatenate().apply(merged);
    const inner = sequential(
      layers.batchNormalization({ inputShape: [8, 8, 20] }),
      layers.conv2d({ filters: 5, kernelSize: 2, activation: "elu" }),
    );
    const pooled = layers
      .globalAveragePooling2d({})
      .apply(inner.apply(joined) as never);
    const output = layers
      .dense({ units: 3, activation: "softmax" })
      .apply(pooled) as tf.SymbolicTensor;
    return tf.model({ inputs: input, outputs: output });
  }

  test("branches, shared layers and a model inside", async () => {
    const graph = await expectSame(functional());
    // Layers that follow each other do not move their channels to and fro.
    const moves = graph.nodes.filter((n) => n.op === "Transpose").length;
    expect(moves).toBeLessThan(8);
  });

  test("two inputs", async () => {
    const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
    const output = layers
      .dense({ units: 2 })
      .apply(
        layers.concatenate({ axis: 1 }).apply([a, b]) as never,
      ) as tf.SymbolicTensor;
    await expectSame(tf.model({ inputs: [a, b], outputs: output }));
  });

  test("as a classifier: pixels with channels first, scores before the softmax", async () => {
    const source = functional();
    settle(source);
    const model = await loadModel(await save(source), {
      classes: ["a", "b", "c"],
    });
    expect(model.contract.shape).toEqual([3, 8, 8]);
    const random = new Random(5);
    const x = floats(
      [2, 3, 8, 8],
      Array.from({ length: 384 }, () => random.uniform()),
    );
    const logits = numbers(await run(model.graph, { [model.input]: x }));
    const wanted = tf.tidy(() =>
      (
        source.predict(
          tf.transpose(tf.tensor([...x.data], [2, 3, 8, 8]), [0, 2, 3, 1]),
        ) as tf.Tensor
      ).arraySync(),
    ) as number[][];
    const seen = tf
      .softmax(tf.tensor(logits, [2, 3]))
      .arraySync() as number[][];
    seen.flat().forEach((v, i) => {
      expect(v).toBeCloseTo(wanted.flat()[i]!, 5);
    });
  });
});

test("a suite can start from one, and inspect tells of it", async () => {
  const source = sequential(
    layers.conv2d({
      inputShape: [8, 8, 1],
      filters: 4,
      kernelSize: 3,
      activation: "relu",
    }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 3, activation: "softmax" }),
  );
  settle(source);
  const path = await save(source);
  const seen = await inspectModel(path, onnxruntime);
  expect(seen.problems).toEqual([]);
  expect(seen.groups).toHaveLength(2);
  expect(seen.gradient.supported).toBe(true);
  const suite = join(path, "..", "suite.yaml");
  writeFileSync(
    suite,
    `
version: 1
title: from a LayersModel
data: { source: digits }
classes: ["5", "6", "7"]
samples: 15
base: { model: model.json, classes: ["0", "1", "2"] }
candidates:
  full: { strategy: full, epochs: 4, learningRate: 0.01 }
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
`,
  );
  const results = await runAudit({ suite, out: join(path, "..", "run") });
  expect(results.base?.file).toBe("model.json");
  expect(results.candidates[0]?.cleanAccuracy.value).toBeGreaterThan(0.6);
  expect(results.cells).toHaveLength(1);
  // Another file of weights is another model.
  const before = hashGraph(path);
  const shard = join(path, "..", "group1-shard2of2.bin");
  const bytes = readFileSync(shard);
  bytes[0] = bytes[0]! ^ 1;
  writeFileSync(shard, bytes);
  expect(hashGraph(path)).not.toBe(before);
});

describe("weights of fewer bits", () => {
  test.each([
    ["uint8", 1 / 255],
    ["uint16", 1 / 65535],
    ["float16", 1 / 1024],
  ] as const)("%s", async (dtype, step) => {
    const model = sequential(layers.dense({ inputShape: [3], units: 2 }));
    settle(model);
    const path = await save(model);
    const json = JSON.parse(readFileSync(path, "utf8"));
    const [group] = json.weightsManifest;
    const kernel = Array.from(model.weights[0]?.read().dataSync() ?? []);
    const bias = Array.from(model.weights[1]?.read().dataSync() ?? []);
    const [low, high] = [Math.min(...kernel), Math.max(...kernel)];
    const scale = (high - low) * step;
    const quantised =
      dtype === "float16"
        ? Uint16Array.from(kernel, half)
        : (dtype === "uint8" ? Uint8Array : Uint16Array).from(
            kernel.map((v) => Math.round((v - low) / scale)),
          );
    group.weights[0].quantization =
      dtype === "float16"
        ? { dtype, original_dtype: "float32" }
        : { dtype, scale, min: low, original_dtype: "float32" };
    group.paths = ["small.bin"];
    writeFileSync(
      join(path, "..", "small.bin"),
      Buffer.concat([
        Buffer.from(quantised.buffer),
        Buffer.from(Float32Array.from(bias).buffer),
      ]),
    );
    writeFileSync(path, JSON.stringify(json));
    const graph = readLayersModel(path);
    const x = [1, -0.5, 2];
    const seen = numbers(
      await run(graph, { [graph.inputs[0]?.name ?? ""]: floats([1, 3], x) }),
    );
    seen.forEach((v, j) => {
      const exact = x.reduce(
        (s, xi, i) => s + xi * kernel[2 * i + j]!,
        bias[j]!,
      );
      expect(Math.abs(v - exact)).toBeLessThan(4 * Math.max(scale, step));
      expect(v).not.toBe(0);
    });
  });

  /** A number as the bits of half precision, cut off. */
  function half(value: number): number {
    const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
    const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    return (
      ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff)
    );
  }
});

/** What the tests change in a file. */
interface Saved {
  modelTopology: Record<string, unknown> & {
    config: {
      layers: { class_name: string; config: Record<string, unknown> }[];
    };
  };
  weightsManifest?: {
    paths: string[];
    weights: { name: string; shape: number[]; dtype: string }[];
  }[];
}

const layerOf = (json: Saved) => json.modelTopology.config.layers[0]!;
const groupOf = (json: Saved) =>
  json.weightsManifest?.[0] as NonNullable<Saved["weightsManifest"]>[number];
const weightOf = (json: Saved, at: number) => groupOf(json).weights[at]!;
const pathsOf = (json: Saved) => groupOf(json).paths;

describe("files that are damaged, or that it cannot read", () => {
  const dense = () => sequential(layers.dense({ inputShape: [3], units: 2 }));

  async function changed(change: (json: Saved) => unknown): Promise<string> {
    const path = await save(dense());
    const json = JSON.parse(readFileSync(path, "utf8")) as Saved;
    change(json);
    writeFileSync(path, JSON.stringify(json));
    return path;
  }

  test("a link to weights elsewhere is refused, one beside the model is followed", async () => {
    const path = await save(dense());
    const beside = dirname(path);
    const json = JSON.parse(readFileSync(path, "utf8")) as Saved;
    const [first = ""] = pathsOf(json);
    const elsewhere = put(folder, "elsewhere.bin", "");
    copyFileSync(join(beside, first), elsewhere);
    symlinkSync(elsewhere, join(beside, "out.bin"));
    symlinkSync(first, join(beside, "in.bin"));
    const read = (name: string) => {
      pathsOf(json)[0] = name;
      writeFileSync(path, JSON.stringify(json));
      return readLayersModel(path);
    };
    expect(read("in.bin").nodes.length).toBeGreaterThan(0);
    expect(() => read("out.bin")).toThrow(
      expect.objectContaining({
        code: "MODEL_INVALID",
        message: expect.stringContaining("outside"),
      }),
    );
  });

  test.each<[string, (json: Saved) => unknown, object]>([
    [
      "a layer that is not known",
      (json) => {
        layerOf(json).class_name = "Fancy";
      },
      {
        code: "MODEL_LAYER",
        message: expect.stringMatching(/layer "dense_\S+" \(Fancy\)/),
      },
    ],
    [
      "a form of a layer that is not known",
      (json) => {
        layerOf(json).config.activation = "wild";
      },
      { code: "MODEL_LAYER", message: expect.stringContaining('"wild"') },
    ],
    [
      "channels first",
      (json) => {
        const layer = layerOf(json);
        layer.class_name = "Flatten";
        layer.config.data_format = "channels_first";
      },
      { code: "MODEL_LAYER", message: expect.stringContaining("data_format") },
    ],
    [
      "a weight that is missing",
      (json) => {
        weightOf(json, 0).name = "other/kernel";
      },
      { code: "MODEL_INVALID", message: expect.stringContaining("/kernel") },
    ],
    [
      "weights that are longer than their file",
      (json) => {
        weightOf(json, 1).shape = [3];
      },
      {
        code: "MODEL_TRUNCATED",
        message: expect.stringContaining("holds 32 bytes, its weights need 36"),
      },
    ],
    [
      "weights elsewhere",
      (json) => {
        pathsOf(json)[0] = "../../weights.bin";
      },
      { code: "MODEL_INVALID", message: expect.stringContaining("outside") },
    ],
    [
      "a file of weights that is not there",
      (json) => {
        pathsOf(json)[0] = "nowhere.bin";
      },
      { code: "FILE_UNREADABLE" },
    ],
    [
      "a type of weights that is not known",
      (json) => {
        weightOf(json, 0).dtype = "complex64";
      },
      { code: "MODEL_INVALID", message: expect.stringContaining("complex64") },
    ],
    [
      "a GraphModel",
      (json) => {
        json.modelTopology.node = [];
      },
      { code: "MODEL_INVALID", message: expect.stringContaining("GraphModel") },
    ],
    [
      "no weights at all",
      (json) => {
        delete json.weightsManifest;
      },
      { code: "MODEL_INVALID" },
    ],
    [
      "no shape of its input",
      (json) => {
        delete layerOf(json).config.batch_input_shape;
      },
      { code: "MODEL_INVALID", message: expect.stringContaining("shape") },
    ],
  ])("%s", async (_name, change, error) => {
    const path = await changed(change);
    expect(() => readLayersModel(path)).toThrow(expect.objectContaining(error));
  });

  test("no JSON", async () => {
    const path = await save(dense());
    writeFileSync(path, "{");
    await expect(loadModel(path)).rejects.toThrow(
      expect.objectContaining({ code: "MODEL_INVALID" }),
    );
  });
});
