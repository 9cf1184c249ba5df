import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { inspectModel, type LoadModelOptions, modelOf } from "#model";
import {
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  type Node,
  tensor,
  writeModel,
} from "#onnx";
import { checkGradient } from "../../src/model/self-check.ts";
import { temporaryFolder } from "../folder.ts";
import { pathOf, recorded } from "./exported.ts";

const inspect = (name: string, options?: LoadModelOptions) =>
  inspectModel(pathOf(name), onnxruntime, options);

const folder = temporaryFolder();
function inspectGraph(graph: Graph, options?: LoadModelOptions) {
  const path = join(folder, "net.onnx");
  writeModel(path, graph);
  return inspectModel(path, onnxruntime, options);
}

const weight = (b: GraphBuilder, dims: number[], name = "layer.weight") =>
  b.constant(
    floats(
      dims,
      Float32Array.from(
        { length: dims.reduce((p, d) => p * d, 1) },
        (_, i) => Math.sin(i * 7 + 1) / 2,
      ),
    ),
    name,
  );

/** x [N, 4] -> MatMul [N, 3], with what `build` puts before and behind it. */
function net({
  dims = ["N", 4] as (number | string)[],
  before = (_b: GraphBuilder, x: string) => x,
  behind = (_b: GraphBuilder, y: string) => y,
} = {}): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims });
  const y = b.op("MatMul", [before(b, x), weight(b, [4, 3])]);
  return b.build([behind(b, y)]);
}

describe("exported models", () => {
  test.each([
    "attention.keras",
    "bert.fused",
    "convnext.dynamo",
    "densenet.torchscript",
    "gpt2.dynamo",
    "llama-default.torchscript",
    "logistic-two.sklearn",
    "lstm.torchscript",
    "mlp.keras",
    "mobilenet-v2.dynamo",
    "resnet.external",
    "roberta.dynamo",
    "steps.torchscript",
    "unet.dynamo",
    "vgg.half",
    "vit.opset23.dynamo",
    "zipped.sklearn",
  ])("%s: nothing in the way, and the gradient agrees", async (name) => {
    const { x } = recorded(name);
    const seen = await inspect(name, {
      input: {
        shape: x.dims.slice(1),
        padding: name.startsWith("roberta") ? 1 : 0,
      },
    });
    expect(seen.problems).toEqual([]);
    expect(seen.gradient.supported).toBe(true);
    expect(seen.gradient.unsupported).toEqual([]);
    expect(seen.gradient.selfCheck).toMatchObject({
      points: 8,
      zeroAt: 0,
      flatAt: 0,
    });
    expect(seen.gradient.selfCheck?.maxRelativeError).toBeLessThan(0.05);
    expect(seen.trainable).toBeGreaterThan(0);
    expect(seen.trainable).toBeLessThanOrEqual(seen.parameters);
    expect(seen.trainable).toBe(
      seen.groups.reduce((sum, g) => sum + g.size, 0),
    );
  });

  test("of a text model: which input is attacked, and what the others get", async () => {
    const seen = await inspect("bert-pair.torchscript");
    expect(seen.reading).toMatchObject({
      attacked: "input_ids",
      others: { attention_mask: "mask", token_type_ids: 0 },
      point: "embeddings",
      shape: [8],
      layout: null,
    });
    expect(seen.notes.join("\n")).toContain("The input is token ids");
    const stated = await inspect("bert-pair.torchscript", {
      input: { others: { token_type_ids: 1 } },
    });
    expect(stated.reading?.others.token_type_ids).toBe(1);
  });

  test("of bytes: scale, layout and the rounding that gradients pass over", async () => {
    const seen = await inspect("bytes.torchscript");
    expect(seen.reading).toMatchObject({
      layout: "NHWC",
      scale: 255,
      shape: [3, 8, 8],
      bounds: [0, 1],
      boundsKnown: false,
    });
    expect(seen.gradient).toMatchObject({ steps: [], passedOver: ["Round"] });
    const notes = seen.notes.join("\n");
    expect(notes).toContain("multiplied by 255");
    expect(notes).toContain("channels last");
    expect(notes).toContain("pass over Round");
  });

  test("of eight bits: what stays as it is", async () => {
    for (const name of ["small.qdq", "small.qoperator"]) {
      const seen = await inspect(name);
      // A convolution of 6x3x3x3 and a linear layer of 5x6.
      expect(seen.stored.eightBits).toBe(192);
      expect(seen.parameters).toBe(192);
      expect(seen.trainable).toBe(0);
      expect(seen.notes).toContain(
        "192 weights are stored in 8 bits and stay as they are.",
      );
      expect(seen.gradient.supported).toBe(true);
    }
  });

  test("of a text model in eight bits: its table is found, its biases stay with their layers", async () => {
    const b = new GraphBuilder(emptyGraph("net"));
    const ids = b.input({ name: "input_ids", type: "int64", dims: ["N", 6] });
    const eight = (dims: number[], seed: number, name: string) =>
      b.constant(
        tensor(
          "int8",
          dims,
          Int8Array.from(
            { length: dims.reduce((p, d) => p * d, 1) },
            (_, i) => 100 * Math.sin(seed + i * 3),
          ),
        ),
        name,
      );
    const rows = b.op("Gather", [eight([9, 4], 1, "words"), ids]);
    const vectors = b.op("DequantizeLinear", [rows, b.scalar(0.01)]);
    const mean = b.op("ReduceMean", [vectors, b.ints([1])], {
      keepdims: int(0),
    });
    const [q, scale, zero] = b.many("DynamicQuantizeLinear", [mean], {}, 3);
    const product = b.op("MatMulInteger", [
      q as string,
      eight([4, 3], 2, "weight"),
      zero as string,
    ]);
    const real = b.mul(
      b.cast(product, "float32"),
      b.mul(scale as string, 0.01),
    );
    const bias = b.constant(floats([3], [0.1, 0.2, 0.4]), "classifier.bias");
    const seen = await inspectGraph(b.build([b.add(real, bias)]));
    expect(seen.problems).toEqual([]);
    expect(seen.reading).toMatchObject({ point: "embeddings", shape: [6] });
    expect(seen.stored.eightBits).toBe(48);
    expect(seen.groups).toEqual([
      { name: "classifier", parameters: ["classifier.bias"], size: 3 },
    ]);
    expect(seen.gradient.selfCheck?.maxRelativeError).toBeLessThan(0.2);
  });

  test("what was cut off, widened and opened", async () => {
    expect((await inspect("mlp.keras")).reading?.logits.from).toBe("softmax");
    const zipped = await inspect("zipped.sklearn");
    expect(zipped.reading?.logits.from).toBe("probabilities");
    expect(zipped.notes).toContain('Not used: output "output_label".');
    expect(zipped.operators).toMatchObject({ "ai.onnx.ml.ZipMap": 1 });
    const half = await inspect("small.half-weights");
    expect(half.stored.widened).toEqual(["float16"]);
    expect(half.notes.join()).toContain("computed in float32");
    const one = await inspect("resnet.one.torchscript");
    expect(one.reading?.fixedBatch).toBe(1);
    expect(one.notes.join()).toContain("exported for batches of 1");
  });

  test("a weight that was written down twice", async () => {
    const seen = await inspect("gpt2-lm.dynamo");
    expect(seen.stored.copies).toEqual([["model.lm_head.weight", "val_187"]]);
    expect(seen.notes.join("\n")).toContain(
      '"model.lm_head.weight" and "val_187" hold the same numbers',
    );
    expect((await inspect("gpt2-lm.torchscript")).stored.copies).toEqual([]);
  });

  test("what is not trained, and why", async () => {
    expect((await inspect("llama.dynamo")).notes).toContain(
      'Not trained: "unsqueeze_14", "unsqueeze_15" (a table of sines or cosines).',
    );
    expect((await inspect("mlp-two.sklearn")).notes.join("\n")).toContain(
      "before the first layer",
    );
    const { gradient } = await inspect("vit.torchscript");
    expect(gradient.offTheWay).toContain("Shape");
  });
});

describe("the self-check", () => {
  const linear = modelOf(
    net({ behind: (b, y) => b.op("Tanh", [y]) }),
    "net.onnx",
  );

  test("agrees with a right gradient, and finds a wrong one", async () => {
    const right = await checkGradient(linear, onnxruntime);
    expect(right.maxRelativeError).toBeLessThan(1e-3);
    const b = new GraphBuilder(linear.graph);
    const tripled = b.mul(linear.logits, 3);
    const wrong = await checkGradient(
      {
        ...linear,
        graph: b.build([tripled]),
        logits: tripled,
        straightThrough: [{ input: linear.logits, output: tripled }],
      },
      onnxruntime,
    );
    // The slope is three times what the gradient says.
    expect(wrong.maxRelativeError).toBeGreaterThan(1.5);
    expect(wrong.maxRelativeError).toBeLessThan(2.5);
  });

  test("finds a wrong one of a large model at fewer points", async () => {
    const [width, classes] = [2 ** 13, 2 ** 11];
    const b = new GraphBuilder(emptyGraph("large"));
    const x = { name: "x", type: "float32", dims: ["batch", width] } as const;
    const random = new Random(1);
    const weights = Float32Array.from(
      { length: width * classes },
      () => random.uniform() - 0.5,
    );
    const sums = b.matmul(
      b.input(x),
      b.constant(floats([width, classes], weights)),
    );
    const outputs = b.op("Tanh", [b.mul(sums, 0.01)]);
    const doubled = b.mul(outputs, 1.1);
    const large = modelOf(b.build([doubled]), "large.onnx", {
      input: { shape: [width] },
    });
    const right = await checkGradient(large, onnxruntime);
    expect(right).toMatchObject({ points: 3, agrees: true });
    const straightThrough = [{ input: outputs, output: doubled }];
    const wrong = await checkGradient(
      { ...large, straightThrough },
      onnxruntime,
    );
    // The slope is a tenth more than the gradient says.
    expect(wrong.maxRelativeError).toBeGreaterThan(0.08);
    expect(wrong.agrees).toBe(false);
  });

  test("decides whether a gradient is supported", async () => {
    const seen = await inspectGraph(
      net({ behind: (b, y) => b.op("Sin", [b.mul(y, 1e5)]) }),
    );
    expect(seen.gradient.selfCheck?.agrees).toBe(false);
    expect(seen.gradient.supported).toBe(false);
    expect(seen.problems.map((p) => p.message).join()).toMatch(
      /the gradient differs from finite differences of the loss/,
    );
  });

  test("says where the gradient is too small to be compared", async () => {
    const b = new GraphBuilder(linear.graph);
    const small = b.add(b.mul(linear.logits, 1e-6), 1);
    const graph = b.build([small]);
    expect(
      await checkGradient({ ...linear, graph, logits: small }, onnxruntime),
    ).toMatchObject({ maxRelativeError: 0, zeroAt: 0, flatAt: 8 });
  });
});

describe("what keeps a model from working, in a sentence and with what to do", () => {
  const problems = async (graph: Graph, options?: LoadModelOptions) =>
    (await inspectGraph(graph, options)).problems;

  test("an open size, until it is stated", async () => {
    const graph = net({ dims: ["N", "length"] });
    const [open] = await problems(graph);
    expect(open?.message).toMatch(
      /dimension 1 of input "x" is open \(length\)/,
    );
    expect(await problems(graph, { input: { shape: [4] } })).toEqual([]);
  });

  test("inputs of which nothing is known, until they are stated", async () => {
    const b = new GraphBuilder(net());
    b.input({ name: "flag", type: "float32", dims: ["N", 3] });
    const graph = b.build([b.add(b.nodes[0]?.outputs[0] as string, "flag")]);
    const [unknown] = await problems(graph);
    expect(unknown?.message).toMatch(/2 inputs \(x, flag\); which of them/);
    const stated = { name: "x", others: { flag: 0 } };
    expect(await problems(graph, { input: stated })).toEqual([]);
    expect(
      await problems(graph, {
        input: { name: "x", others: { flag: 0, flga: 1 } },
      }),
    ).toEqual([
      {
        message: 'there is no input "flga" to fill (there is x, flag)',
        hint: 'Did you mean "flag"?',
      },
    ]);
  });

  test("no scores among the outputs", async () => {
    const graph = net({
      behind: (b, y) => b.op("ArgMax", [y], { axis: int(1) }),
    });
    const seen = await inspectGraph(graph);
    expect(seen.problems[0]?.message).toMatch(/no tensor of floats as output/);
    expect(seen.reading).toBeNull();
    expect(seen.gradient).toMatchObject({ supported: false, selfCheck: null });
  });

  test("whole numbers that are neither tokens nor pixels", async () => {
    const b = new GraphBuilder(emptyGraph("net"));
    const x = b.input({ name: "x", type: "int64", dims: ["N", 4] });
    const moved = b.cast(b.add(x, b.constant(int64s([1]))), "float32");
    const graph = b.build([b.op("MatMul", [moved, weight(b, [4, 3])])]);
    expect((await problems(graph))[0]?.message).toMatch(
      /computes with the int64 input "x" as integers/,
    );
  });

  test("an operator of which no gradient is known", async () => {
    const graph = net({ dims: ["N", 4, 4] });
    const [last] = graph.nodes as [Node];
    const det: Node = {
      ...last,
      name: "det",
      op: "Det",
      inputs: ["x"],
      outputs: ["d"],
      attributes: {},
    };
    const b = new GraphBuilder(emptyGraph("net"));
    b.input({ name: "x", type: "float32", dims: ["N", 4, 4] });
    b.append(det);
    const y = b.op("MatMul", ["x", weight(b, [4, 3])]);
    const flat = b.reshape(y, [-1, 12]);
    const bent = b.mul(flat, b.reshape("d", [-1, 1]));
    const seen = await inspectGraph(b.build([bent]));
    expect(seen.gradient.unsupported).toEqual(["Det"]);
    expect(seen.problems).toHaveLength(1);
    expect(seen.problems[0]?.message).toMatch(
      /there is Det, of which no gradient is known/,
    );
  });

  test("steps on every path, and steps that something goes around", async () => {
    const wall = net({ before: (b, x) => b.op("Round", [x]) });
    const [blocked] = await problems(wall);
    expect(blocked?.message).toBe(
      "every path from the input to the logits passes Round, where the result moves in steps",
    );
    const around = net({ before: (b, x) => b.add(x, b.op("Floor", [x])) });
    const seen = await inspectGraph(around);
    expect(seen.problems).toEqual([]);
    expect(seen.gradient.steps).toEqual(["Floor"]);
    expect(seen.notes.join()).toContain("No gradient passes Floor");
  });

  test("a gradient that is zero everywhere", async () => {
    const seen = await inspectGraph(
      net({ before: (b, x) => b.op("Relu", [b.sub(x, 10)]) }),
    );
    expect(seen.gradient.supported).toBe(false);
    expect(seen.gradient.selfCheck?.zeroAt).toBe(8);
    expect(seen.problems[0]?.message).toBe(
      "the gradient is zero at all 8 random inputs",
    );
  });

  test("a composite operator whose shape nobody knows is named, and the report goes on", async () => {
    const graph = net({
      behind(b, y) {
        b.append({
          name: "unknown",
          op: "Unknown",
          domain: "somewhere",
          inputs: [y],
          outputs: ["strange"],
          attributes: {},
        });
        const scale = b.constant(floats([3], [1, 1, 1]));
        return b.op("GroupNormalization", ["strange", scale, scale], {
          num_groups: int(1),
        });
      },
    });
    const seen = await inspectGraph(graph, { classes: ["a", "b", "c"] });
    expect(seen.gradient.supported).toBe(false);
    expect(seen.gradient.unsupported).toContain("somewhere.Unknown");
  });

  test("a head that cannot be replaced keeps from fine-tuning only", async () => {
    const seen = await inspectGraph(
      net({ behind: (b, y) => b.op("Tanh", [y]) }),
    );
    expect(seen.problems).toEqual([]);
    expect(seen.notes.join()).toMatch(
      /fine-tuned to other classes it needs a cut/,
    );
  });
});
