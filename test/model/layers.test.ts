import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossEntropy, gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { labelTensor, layerGroups, matches, weightsAsInputs } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  normalise,
  readModel,
  string,
  toFloat32,
  writeModel,
} from "#onnx";
import { scopeIn } from "../../src/onnx/scope.ts";
import { exported, pathOf } from "./exported.ts";

const graphOf = (name: string) => normalise(toFloat32(readModel(pathOf(name))));
const groupsOf = (name: string) => layerGroups(graphOf(name));
const namesOf = (graph: Graph) =>
  layerGroups(graph).flatMap((g) => [...g.parameters]);

/** Numbers that no table or mask has. */
const learned = (dims: number[], seed = 1): FloatTensor =>
  floats(
    dims,
    Float32Array.from(
      { length: dims.reduce((p, d) => p * d, 1) },
      (_, i) => Math.sin((i + 1) * 12.9898 * seed) * 0.7 + 0.05,
    ),
  );

/** A graph of float input x [N, ...dims] with one output. */
function net(
  dims: (number | string)[],
  build: (b: GraphBuilder, x: string) => string,
): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["N", ...dims] });
  return b.build([build(b, x)]);
}

const linear = (b: GraphBuilder, x: string, dims: number[], name: string) =>
  b.op("MatMul", [x, b.constant(learned(dims), name)]);

describe("a pattern of names", () => {
  test.each([
    ["a", "a", true],
    ["a", "ab", false],
    ["*", "", true],
    ["a*", "ba", false],
    ["*a", "aba", true],
    ["ab*ba", "aba", false],
    ["a*b*c", "a-c-b-c", true],
    ["a*c*b", "a-b-c", false],
    ["a.c", "abc", false],
    ["**x", "x", true],
  ])("%s of %s: %j", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test("means what the regular expression means", () => {
    const some = fc.string({
      unit: fc.constantFrom("a", "b", "*"),
      maxLength: 8,
    });
    fc.assert(
      fc.property(some, some, (pattern, text) => {
        const name = text.replaceAll("*", "");
        const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
        expect(matches(pattern, name)).toBe(expected.test(name));
      }),
    );
  });

  test("takes no longer for many stars", () => {
    expect(matches(`${"*a".repeat(1000)}b`, "a".repeat(20_000))).toBe(false);
  });
});

describe("what is trained of exported models gets a gradient", () => {
  test.each([
    "attention.keras",
    "bert-pair.dynamo",
    "bert.fused",
    "bert.torchscript",
    "bytes.torchscript",
    "cnn.keras",
    "convnext.dynamo",
    "deit.dynamo",
    "densenet.torchscript",
    "distilbert-default.torchscript",
    "efficientnet.torchscript",
    "gpt2-lm.torchscript",
    "gpt2.dynamo",
    "gru.dynamo",
    "gru.keras",
    "inception.dynamo",
    "llama-default.torchscript",
    "llama.dynamo",
    "logistic.sklearn",
    "loop.torchscript",
    "lstm.keras",
    "mlp-two.sklearn",
    "mlp.keras",
    "mlp.torchscript",
    "mobilenet-v3.dynamo",
    "resnet.optimised",
    "roberta.dynamo",
    "shufflenet.torchscript",
    "small.half",
    "squeezenet.dynamo",
    "steps.torchscript",
    "swin.dynamo",
    "unet.torchscript",
    "vgg.half",
    "vit.opset23.dynamo",
    "zipped.sklearn",
  ])("%s", async (name) => {
    const { model, x } = exported(name);
    const names = namesOf(model.graph);
    expect(names.length).toBeGreaterThan(1);
    expect(new Set(names).size).toBe(names.length);
    const b = new GraphBuilder(weightsAsInputs(model.graph, names), "step/");
    b.input({ name: "labels", type: "int64", dims: ["batch"] });
    const loss = b.op("ReduceMean", [crossEntropy(b, model.logits, "labels")], {
      keepdims: int(0),
    });
    const result = gradient(b.build([loss]), { of: loss, wrt: names });
    const session = await onnxruntime.load(result.graph);
    const count = x.dims[0] ?? 0;
    const seen = await session.run({
      [model.input]: x,
      labels: labelTensor(Array.from({ length: count }, (_, i) => i % 2)),
      ...Object.fromEntries(
        names.map((n) => [n, model.graph.constants.get(n) as FloatTensor]),
      ),
    });
    await session.release();
    for (const n of names) {
      const { data, dims } = seen[
        result.gradients.get(n) as string
      ] as FloatTensor;
      expect(dims, n).toEqual(model.graph.constants.get(n)?.dims);
      expect(data.every(Number.isFinite), n).toBe(true);
      expect(
        data.some((g) => g !== 0),
        `${n} has a gradient`,
      ).toBe(true);
    }
  });
});

describe("groups are named by the parameters, the modules, or the operator", () => {
  test.each([
    [
      "resnet.torchscript",
      "stem.0 blocks.0.conv1 blocks.0.conv2 blocks.1.conv1 blocks.1.conv2 blocks.1.downsample.0 blocks.2.conv1 blocks.2.conv2 blocks.2.conv3 head",
    ],
    // By the paths of nodes: the weights are called onnx::MatMul_469 and so on.
    [
      "llama.torchscript",
      "model.model.embed_tokens model.model.layers.0.self_attn.q_proj model.model.layers.0.self_attn.k_proj model.model.layers.0.self_attn.v_proj model.model.layers.0.self_attn.o_proj model.model.layers.0.mlp.gate_proj model.model.layers.0.mlp.up_proj model.model.layers.0.mlp.down_proj model.score",
    ],
    ["lstm.torchscript", "cell head"],
    // By their biases: the weights are called val_34 and so on.
    [
      "distilbert.dynamo",
      "model.distilbert.embeddings.word_embeddings model.distilbert.transformer.layer.0.attention.q_lin model.distilbert.transformer.layer.0.attention.k_lin model.distilbert.transformer.layer.0.attention.v_lin model.distilbert.transformer.layer.0.attention.out_lin model.distilbert.transformer.layer.0.ffn.lin1 model.distilbert.transformer.layer.0.ffn.lin2 model.pre_classifier model.classifier",
    ],
    // TensorFlow names weights by what reads them.
    [
      "cnn.keras",
      "sequential_1/conv2d_1 sequential_1/depthwise_conv2d_1 sequential_1/conv2d_1_2 sequential_1/dense_1",
    ],
    // Both kernels and the bias of a cell are one layer, although a Loop runs it.
    [
      "gru.keras",
      "sequential_2_1/bidirectional_1_1/forward_gru_1/gru_cell_1 sequential_2_1/bidirectional_1_1/backward_gru_1/gru_cell_1 sequential_2_1/gru_1_1/gru_cell_1 sequential_2_1/dense_2_1",
    ],
    // Fused nodes and packed weights have no name of their own: the
    // operator and its count.
    [
      "mobilenet-v2.optimised",
      "conv1 conv2 features.1.conv.1 conv4 conv5 features.2.conv.2 conv7 conv8 features.3.conv.2 conv10 classifier.1",
    ],
    ["mlp.sklearn", "coefficient coefficient1"],
    ["logistic.sklearn", "linear1"],
  ])("%s", (name, wanted) => {
    expect(
      groupsOf(name)
        .map((g) => g.name)
        .join(" "),
    ).toBe(wanted);
  });
});

test("a module that PyTorch recorded beside a node names its layer, also when the model is written and read", () => {
  const graph = net([4], (b, x) => linear(b, x, [4, 3], "val_7"));
  const scope = "layers.0.self_attn.q_proj";
  const scoped = {
    ...graph,
    nodes: graph.nodes.map((n) => ({ ...n, scope })),
  };
  const path = join(mkdtempSync(join(tmpdir(), "assay-scope-")), "net.onnx");
  writeModel(path, scoped);
  for (const g of [scoped, readModel(path), normalise(readModel(path))])
    expect(layerGroups(g).map((group) => group.name)).toEqual([scope]);
  expect(
    scopeIn("['', 'm', 'm.layers.0', 'm.layers.0.q_proj', 'linear_3']"),
  ).toBe("m.layers.0.q_proj");
  expect(scopeIn("['', 'linear']")).toBeUndefined();
});

describe("what is a weight in exported models", () => {
  const parametersOf = (name: string) =>
    groupsOf(name).flatMap((g) => [...g.parameters]);

  test("gates of recurrent layers, class tokens, positions, scales of layers", () => {
    expect(groupsOf("lstm.keras")[0]?.parameters).toEqual([
      "W__166",
      "R__167",
      "B__168",
    ]);
    expect(groupsOf("vit.torchscript")[0]?.parameters).toEqual(
      expect.arrayContaining(["class_token", "encoder.pos_embedding"]),
    );
    expect(parametersOf("convnext.torchscript")).toContain(
      "features.1.0.layer_scale",
    );
    // The relative positions of a window of 16, looked up by the exporter.
    expect(graphOf("swin.dynamo").constants.get("unsqueeze")?.dims).toEqual([
      1, 2, 16, 16,
    ]);
    expect(parametersOf("swin.dynamo")).toContain("unsqueeze");
    expect(parametersOf("bert.torchscript")).toContain(
      "model.bert.embeddings.position_embeddings.weight",
    );
    expect(parametersOf("llama.dynamo")).toContain(
      "model.model.layers.0.input_layernorm.weight",
    );
  });

  test("not rotary tables: cosines and sines as constants, or frequencies that meet positions only", () => {
    const graph = graphOf("llama.dynamo");
    for (const name of ["unsqueeze_14", "unsqueeze_15"])
      expect(graph.constants.get(name)?.dims).toEqual([1, 1, 8, 4]);
    for (const name of [
      "llama.dynamo",
      "llama-default.dynamo",
      "llama.torchscript",
    ])
      expect(parametersOf(name).join(" ")).not.toMatch(/unsqueeze|rotary/);
  });

  test("not running statistics, nor the standardisation of the input", () => {
    expect(parametersOf("mlp.torchscript").join(" ")).not.toContain("running");
    // Sub and Mul of a StandardScaler come before the layer.
    expect(groupsOf("logistic.sklearn").map((g) => g.size)).toEqual([15]);
    const { model } = exported("bytes.torchscript");
    expect(namesOf(model.graph)).toEqual([
      "scaled.conv.weight",
      "scaled.conv.bias",
      "scaled.head.weight",
      "scaled.head.bias",
    ]);
  });

  test("a weight of two layers is listed once, in the first", () => {
    const groups = groupsOf("gpt2-lm.torchscript");
    expect(groups[0]?.parameters).toContain("model.transformer.wte.weight");
    expect(
      groups.flatMap((g) => g.parameters).filter((p) => p.includes("wte")),
    ).toHaveLength(1);
  });

  test("not weights of eight bits", () => {
    expect(groupsOf("small.qdq")).toEqual([]);
    expect(groupsOf("small.qoperator")).toEqual([]);
  });
});

describe("what is a weight by its place", () => {
  test("behind Transpose, Reshape, Cast and Squeeze, and in eight bits made from floats", () => {
    const graph = net([4], (b, x) => {
      const moved = b.transpose(
        b.constant(learned([3, 4]), "first.weight"),
        [1, 0],
      );
      let y = b.op("MatMul", [x, b.reshape(b.cast(moved, "float32"), [4, 3])]);
      const bias = b.constant(learned([1, 3]), "first.bias");
      y = b.add(y, b.op("Squeeze", [bias, b.ints([0])]));
      const scale = b.scalar(0.1);
      const eight = b.op("QuantizeLinear", [
        b.constant(learned([3, 2]), "second.weight"),
        scale,
      ]);
      return b.op("MatMul", [y, b.op("DequantizeLinear", [eight, scale])]);
    });
    expect(layerGroups(graph)).toEqual([
      { name: "first", parameters: ["first.weight", "first.bias"], size: 15 },
      { name: "second", parameters: ["second.weight"], size: 6 },
    ]);
  });

  test("of Einsum, RMSNormalization, PRelu, ConvTranspose, Gather and peepholes of LSTM", () => {
    const graph = net([5, 4], (b, x) => {
      let y = b.op("Einsum", [x, b.constant(learned([4, 3]), "mix.weight")], {
        equation: string("nld,dk->nlk"),
      });
      y = b.op("RMSNormalization", [
        y,
        b.constant(learned([3]), "norm.weight"),
      ]);
      y = b.op("PRelu", [y, b.constant(learned([1]), "act.weight")]);
      const lengths = b.constant(int64s([5, 5], [2]));
      y = b.transpose(y, [1, 0, 2]);
      y = b.op(
        "LSTM",
        [
          y,
          b.constant(learned([1, 8, 3]), "cell.W"),
          b.constant(learned([1, 8, 2]), "cell.R"),
          b.constant(learned([1, 16]), "cell.B"),
          lengths,
          "",
          "",
          b.constant(learned([1, 6]), "cell.P"),
        ],
        { hidden_size: int(2) },
      );
      y = b.transpose(y, [2, 3, 0, 1]);
      return b.op("ConvTranspose", [
        y,
        b.constant(learned([2, 3, 2, 2]), "up.weight"),
        b.constant(learned([3]), "up.bias"),
      ]);
    });
    expect(layerGroups(graph).map((g) => [g.name, ...g.parameters])).toEqual([
      ["mix", "mix.weight", "norm.weight", "act.weight"],
      ["cell", "cell.W", "cell.R", "cell.B", "cell.P"],
      ["up", "up.weight", "up.bias"],
    ]);
  });

  test("scales and shifts behind a layer are, before it they are preprocessing", () => {
    const graph = net([4], (b, x) => {
      const standard = b.div(
        b.sub(x, b.constant(learned([4]), "mean")),
        b.constant(learned([4], 2), "std"),
      );
      const y = linear(b, standard, [4, 6], "layer.weight");
      return b.add(
        b.mul(y, b.constant(learned([6], 3), "gamma")),
        b.constant(learned([6], 4), "beta"),
      );
    });
    expect(namesOf(graph)).toEqual(["layer.weight", "gamma", "beta"]);
  });

  test("masks, tables of angles and single numbers are not", () => {
    const angle = (i: number) => Math.floor(i / 6) / 10000 ** ((i % 6) / 6);
    const table = (make: (i: number) => number) =>
      floats(
        [4, 6],
        Float32Array.from({ length: 24 }, (_, i) => make(i)),
      );
    const upper = (value: number) =>
      table((i) => (i % 6 > Math.floor(i / 6) ? value : 0));
    const graph = net([4, 6], (b, x) => {
      let y = linear(b, x, [6, 6], "layer.weight");
      for (const [name, value] of [
        ["mask", upper(Number.NEGATIVE_INFINITY)],
        ["mask of halves", upper(-65504)],
        ["mask of a window", upper(-100)],
        [
          "positions",
          table((i) => (i % 2 ? Math.cos : Math.sin)(angle(i - (i % 2)))),
        ],
        ["one number", floats([1, 1], [0.3])],
        ["learned positions", learned([4, 6])],
      ] as const)
        y = b.add(y, b.constant(value, name));
      const cos = b.constant(
        table((i) => Math.cos(angle(i))),
        "cos",
      );
      const sin = b.constant(
        table((i) => Math.sin(angle(i))),
        "sin",
      );
      return b.add(b.mul(y, cos), b.mul(b.neg(y), sin));
    });
    expect(namesOf(graph)).toEqual(["layer.weight", "learned positions"]);
  });

  test("a network that turns a constant table into a bias is, the table is not, nor is what gives angles", () => {
    const graph = net([4, 6], (b, x) => {
      const table = b.constant(learned([4, 2], 7), "coordinates");
      let bias = linear(b, table, [2, 5], "position.0.weight");
      bias = b.op("Relu", [
        b.add(bias, b.constant(learned([5]), "position.0.bias")),
      ]);
      bias = linear(b, bias, [5, 6], "position.2.weight");
      // Frequencies times places, as rotary embeddings have them.
      const places = b.constant(floats([1, 4], [0, 1, 2, 3]), "places");
      const rates = b.constant(learned([6, 1], 2), "frequencies");
      const angles = b.transpose(b.op("MatMul", [rates, places]), [1, 0]);
      const y = b.add(linear(b, x, [6, 6], "layer.weight"), bias);
      return b.mul(y, b.op("Cos", [angles]));
    });
    expect(layerGroups(graph).map((g) => [g.name, ...g.parameters])).toEqual([
      ["position.0", "position.0.weight", "position.0.bias"],
      ["position.2", "position.2.weight"],
      ["layer", "layer.weight"],
    ]);
  });

  test("what no gradient reaches is not", () => {
    const graph = net([4], (b, x) => {
      const y = linear(b, x, [4, 3], "used.weight");
      const rounded = b.op("Round", [linear(b, x, [4, 3], "rounded.weight")]);
      return b.add(y, rounded);
    });
    expect(namesOf(graph)).toEqual(["used.weight"]);
  });

  test("biases go with the layer before them on their way, not with the one before them in the file", () => {
    const graph = net([4], (b, x) => {
      const q = linear(b, x, [4, 3], "q.weight");
      const k = linear(b, x, [4, 3], "k.weight");
      const qb = b.add(q, b.constant(learned([3], 5), "q.bias"));
      const kb = b.add(k, b.constant(learned([3], 6), "k.bias"));
      return b.mul(qb, kb);
    });
    expect(layerGroups(graph).map((g) => [g.name, ...g.parameters])).toEqual([
      ["q", "q.weight", "q.bias"],
      ["k", "k.weight", "k.bias"],
    ]);
  });
});
