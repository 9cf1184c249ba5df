import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { compile, type LoadModelOptions, openModel, ownLabels } from "#model";
import {
  type DataType,
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  type Node,
  string,
  tensor,
  writeModel,
} from "#onnx";

/**
 * A linear classifier of three classes as skl2onnx writes it: labels
 * first, then scores.
 */
function linearClassifier(postTransform: string) {
  const b = new GraphBuilder({
    ...emptyGraph("linear"),
    opsets: new Map([
      ["", 18],
      ["ai.onnx.ml", 1],
    ]),
  });
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  const node: Node = {
    name: "classifier",
    op: "LinearClassifier",
    domain: "ai.onnx.ml",
    inputs: ["x"],
    outputs: ["label", "scores"],
    attributes: {
      coefficients: { kind: "floats", value: [1, 0, 0, 1, -1, -1] },
      intercepts: { kind: "floats", value: [0, 0.5, 0] },
      classlabels_ints: { kind: "ints", value: [0, 1, 2] },
      multi_class: { kind: "int", value: 1 },
      post_transform: string(postTransform),
    },
  };
  b.append(node);
  return {
    ...b.build([]),
    outputs: [
      { name: "label", type: "int64" as const, dims: ["batch"] },
      { name: "scores", type: "float32" as const, dims: ["batch", 3] },
    ],
  };
}

async function logitsOf(postTransform: string): Promise<FloatTensor> {
  const model = await openModel(linearClassifier(postTransform), "linear.onnx");
  const compiled = await compile(model, onnxruntime);
  const logits = await compiled.logits(floats([1, 2], [0.2, 0.4]));
  await compiled.release();
  return logits;
}

const scores = [0.2, 0.9, -0.6];

test.each([
  ["raw scores", "NONE", (z: number) => z],
  ["what a softmax is taken of", "SOFTMAX", (z: number) => z],
  [
    "what is judged of one class against all others",
    "LOGISTIC",
    (z: number) => z,
  ],
])("the logits of a linear classifier: %s", async (_name, transform, logit) => {
  const { data } = await logitsOf(transform);
  scores.forEach((z, i) => {
    expect(data[i]).toBeCloseTo(logit(z), 5);
  });
});

/**
 * Scores of three classes, x times a matrix, with what `build` makes of
 * them as outputs.
 */
function net(build: (b: GraphBuilder, scores: string) => string[]): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  const weight = b.constant(floats([2, 3], [1, 0, -1, 0, 1, -1]));
  return b.build(build(b, b.op("MatMul", ["x", weight], {}, "scores")));
}

/** What a model gives for the point (0.2, 0.4), whose scores are 0.2, 0.4 and -0.6. */
async function answers(graph: Graph, options?: LoadModelOptions) {
  const model = await openModel(graph, "net.onnx", options);
  const compiled = await compile(model, onnxruntime);
  const { data } = await compiled.logits(floats([1, 2], [0.2, 0.4]));
  await compiled.release();
  return { model, data: [...data].map((z) => Number(z.toFixed(4))) };
}

const raw = [0.2, 0.4, -0.6];

/** A label as skl2onnx makes it: the name of the largest score. */
function label(b: GraphBuilder, scores: string, names: readonly string[]) {
  const best = b.op("ArgMax", [scores], { axis: int(1) });
  const table = b.constant(tensor("string", [names.length], [...names]));
  const picked: Node = {
    name: "picked",
    op: "ArrayFeatureExtractor",
    domain: "ai.onnx.ml",
    inputs: [table, best],
    outputs: ["picked"],
    attributes: {},
  };
  b.append(picked);
  return b.op("Reshape", ["picked", b.ints([-1])], {}, "label");
}

const classic = (names: readonly string[]): Graph => {
  const graph = net((b, scores) => [label(b, scores, names), scores]);
  const [first, ...rest] = graph.outputs;
  return {
    ...graph,
    opsets: new Map([...graph.opsets, ["ai.onnx.ml", 1]]),
    outputs: [{ ...first!, type: "string" as DataType }, ...rest],
  };
};

test("scores that are no shares are logits, though scikit-learn gives them", async () => {
  const { model, data } = await answers(classic(["a", "b", "c"]));
  expect(data).toEqual(raw);
  expect(model.classes).toEqual(["a", "b", "c"]);
});

test("outputs meet the classes of the data by the names in the file", async () => {
  const own = classic(["9", "10", "11"]);
  const sorted = ["10", "11", "9"];
  const { model, data } = await answers(own, { classes: sorted });
  expect(model.classes).toEqual(sorted);
  expect(data).toEqual([0.4, -0.6, 0.2]);
});

test("a file that only numbers its classes says nothing of their names; one that contradicts is refused", async () => {
  const classes = ["cat", "dog", "owl"];
  const { data } = await answers(classic(["0", "1", "2"]), { classes });
  expect(data).toEqual(raw);
  await expect(
    openModel(classic(["cat", "cow", "owl"]), "net.onnx", { classes }),
  ).rejects.toThrow(
    "net.onnx names its classes cat, cow, owl; the data has cat, dog, owl",
  );
});

test("what a file says itself of samples, in the order of the model's classes", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "assay-labels-")), "net.onnx");
  writeModel(file, classic(["9", "10", "11"]));
  const options = { classes: ["10", "11", "9"] };
  const model = await openModel(classic(["9", "10", "11"]), file, options);
  const x = floats([3, 2], [0.9, 0, 0, 0.9, -9, -9]);
  expect(await ownLabels(file, options, model, x)).toEqual(
    Int32Array.of(2, 0, 1),
  );
});

test("two scores that the label contradicts are swapped", async () => {
  const b = new GraphBuilder({
    ...emptyGraph("svc"),
    opsets: new Map([
      ["", 18],
      ["ai.onnx.ml", 1],
    ]),
  });
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  b.append({
    name: "svc",
    op: "SVMClassifier",
    domain: "ai.onnx.ml",
    inputs: ["x"],
    outputs: ["label", "scores"],
    attributes: {
      classlabels_ints: { kind: "ints", value: [0, 1] },
      coefficients: { kind: "floats", value: [1, -1] },
      kernel_type: string("LINEAR"),
      kernel_params: { kind: "floats", value: [0, 0, 0] },
      rho: { kind: "floats", value: [0] },
      support_vectors: { kind: "floats", value: [1, 0, 0, 1] },
      vectors_per_class: { kind: "ints", value: [1, 1] },
      post_transform: string("NONE"),
    },
  });
  const graph: Graph = {
    ...b.build([]),
    outputs: [
      { name: "label", type: "int64", dims: ["batch"] },
      { name: "scores", type: "float32", dims: ["batch", 2] },
    ],
  };
  const session = await onnxruntime.load(graph);
  const x = floats([1, 2], [0.9, 0.1]);
  const { label: said } = await session.run({ x });
  await session.release();
  const model = await openModel(graph, "svc.onnx");
  const compiled = await compile(model, onnxruntime);
  const { data } = await compiled.logits(x);
  await compiled.release();
  expect(data[0]! > data[1]! ? 0n : 1n).toBe(said?.data[0]);
});

const reshaped = (b: GraphBuilder, x: string, shape: number[]) =>
  b.op("Reshape", [x, b.constant(int64s(shape))]);

const ends: [string, (b: GraphBuilder, z: string) => string][] = [
  ["Softmax", (b, z) => b.op("Softmax", [z], { axis: int(1) })],
  ["LogSoftmax", (b, z) => b.op("LogSoftmax", [z], { axis: int(1) })],
  [
    "Softmax behind Reshape",
    (b, z) =>
      reshaped(
        b,
        b.op("Softmax", [reshaped(b, z, [-1, 1, 3])], { axis: int(2) }),
        [-1, 3],
      ),
  ],
  [
    "Softmax behind Squeeze",
    (b, z) =>
      b.squeeze(
        b.op("Softmax", [b.unsqueeze(z, [2, 3])], { axis: int(1) }),
        [2, 3],
      ),
  ],
  [
    "LogSoftmax behind Flatten, Clip and Identity",
    (b, z) => {
      const p = b.op("LogSoftmax", [b.unsqueeze(z, [2])], { axis: int(1) });
      const flat = b.op("Flatten", [p]);
      const clipped = b.op("Clip", [flat, b.scalar(-50), b.scalar(0)]);
      return b.op("Identity", [clipped]);
    },
  ],
  [
    "Softmax behind Cast",
    (b, z) => b.cast(b.op("Softmax", [z], { axis: int(1) }), "float32"),
  ],
  [
    "Softmax over channels of one pixel",
    (b, z) => b.op("Softmax", [b.unsqueeze(z, [2, 3])], { axis: int(1) }),
  ],
  ["one pixel", (b, z) => b.unsqueeze(z, [2, 3])],
  [
    "Softmax rounded to eight bits",
    (b, z) => {
      const both = [
        b.scalar(1 / 255),
        b.constant(tensor("uint8", [], new Uint8Array(1))),
      ];
      const p = b.op("Softmax", [z], { axis: int(1) });
      return b.op("DequantizeLinear", [
        b.op("QuantizeLinear", [p, ...both]),
        ...both,
      ]);
    },
  ],
];

test.each(ends)(
  "a model that ends in %s is cut at its logits",
  async (_what, end) => {
    const { model, data } = await answers(net((b, z) => [end(b, z)]));
    expect(data).toEqual(raw);
    expect(model.classes).toHaveLength(3);
    expect(model.graph.nodes.some((n) => /Softmax/.test(n.op))).toBe(false);
  },
);

const softmaxOf = (b: GraphBuilder, z: string) =>
  b.op("Softmax", [z], { axis: int(1) });

const mean = (b: GraphBuilder, parts: readonly string[]) =>
  b.div(
    parts.reduce((sum, p) => b.add(sum, p)),
    b.scalar(parts.length),
  );

const exps = (z: readonly number[]) => z.map(Math.exp);
const softmax = (z: readonly number[]) =>
  exps(z).map((e) => e / exps(z).reduce((sum, v) => sum + v, 0));
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const twice = raw.map((z) => 2 * z);

test("the mean of several Softmax holds shares: their logarithms are the logits", async () => {
  const { model, data } = await answers(
    net((b, z) => [mean(b, [softmaxOf(b, z), softmaxOf(b, b.mul(z, 2))])]),
  );
  expect(model.task).toBeUndefined();
  const other = softmax(twice);
  const wanted = softmax(raw).map((p, k) => (p + other[k]!) / 2);
  softmax(data).forEach((p, k) => {
    expect(p).toBeCloseTo(wanted[k]!, 3);
  });
});

test("the mean of several Sigmoid holds labels: the logarithms of their odds are the logits", async () => {
  const { model, data } = await answers(
    net((b, z) => [mean(b, [b.sigmoid(z), b.sigmoid(b.mul(z, 2))])]),
  );
  expect(model.task?.kind).toBe("multi-label");
  data.map(sigmoid).forEach((p, k) => {
    const wanted = (sigmoid(raw[k]!) + sigmoid(twice[k]!)) / 2;
    expect(p).toBeCloseTo(wanted, 3);
  });
});

test("a share beside what is left of it is that of one of two classes", async () => {
  const { model, data } = await answers(
    net((b, z) => {
      const p = b.op("Squeeze", [
        b.sigmoid(b.slice(z, [1], [2], [1])),
        b.ints([1]),
      ]);
      const rest = b.sub(b.scalar(1), p);
      return [b.concat([b.unsqueeze(rest, [1]), b.unsqueeze(p, [1])], 1)];
    }),
  );
  expect(model.task).toBeUndefined();
  expect(softmax(data)[1]).toBeCloseTo(sigmoid(0.4), 3);
});

const meanOfThree = raw.reduce((sum, z) => sum + sigmoid(z) / 3, 0);
const one: [string, number, (b: GraphBuilder, z: string) => string][] = [
  [
    "a mean over time of a Sigmoid",
    meanOfThree,
    (b, z) => b.op("ReduceMean", [b.sigmoid(z), b.ints([1])]),
  ],
  [
    "a sum of Sigmoid over their number",
    meanOfThree,
    (b, z) => b.div(b.reduceSum(b.sigmoid(z), [1], true), 3),
  ],
  [
    "the largest of several Sigmoid",
    sigmoid(0.4),
    (b, z) => b.op("ReduceMax", [b.sigmoid(z), b.ints([1])]),
  ],
  [
    "what is left of one",
    1 - sigmoid(0.2),
    (b, z) => b.sub(b.scalar(1), b.sigmoid(b.slice(z, [0], [1], [1]))),
  ],
  [
    "one column of a Softmax",
    softmax(raw)[1]!,
    (b, z) => b.slice(softmaxOf(b, z), [1], [2], [1]),
  ],
];

test.each(one)(
  "%s is the share of the second class, not its logit",
  async (_what, share, end) => {
    const { model, data } = await answers(net((b, z) => [end(b, z)]));
    expect(model.classes).toHaveLength(2);
    expect(softmax(data)[1]).toBeCloseTo(share, 3);
  },
);

test("what can leave [0, 1] stays as it is, however it is made", async () => {
  const sum = (b: GraphBuilder, z: string) => b.add(b.sigmoid(z), b.sigmoid(z));
  const { model, data } = await answers(net((b, z) => [sum(b, z)]));
  expect(model.task).toBeUndefined();
  expect(data[0]).toBeCloseTo(2 * sigmoid(0.2), 3);
  const doubled = net((b, z) => {
    let all = b.sigmoid(z);
    for (let i = 0; i < 60; i++) all = b.add(all, all);
    return [b.mul(all, z)];
  });
  expect((await answers(doubled)).model.task).toBeUndefined();
});

test.each([
  ["the one that is called logits", ["features", "logits"], undefined],
  ["the one whose width fits", ["wide", "scores"], ["a", "b", "c"]],
  ["the one computed from the others", ["hidden", "out"], undefined],
])("of several outputs %s is judged", async (_what, names, classes) => {
  const [other = "", own = ""] = names;
  const graph = net((b, z) => {
    const wide = other === "wide" ? b.concat([z, z], 1) : z;
    const first = b.op("Neg", [wide], {}, other);
    const scores = own === "scores" ? z : b.op("Neg", [first], {}, own);
    return [first, scores];
  });
  const { data } = await answers(graph, { classes });
  expect(data).toEqual(raw);
});

test("an output that is named is judged, whatever the others are called", async () => {
  const graph = net((b, z) => [z, b.op("Neg", [z], {}, "logits")]);
  expect((await answers(graph, { head: "scores" })).data).toEqual(raw);
});

test("boxes around what is found are no answer to the whole", async () => {
  const graph = net((b, z) => [z, b.op("Abs", [z], {}, "pred_boxes")]);
  await expect(openModel(graph, "yolo.onnx")).rejects.toThrow(
    'yolo.onnx is a detection model: its output "pred_boxes" holds boxes',
  );
  const { data } = await answers(graph, { head: "scores" });
  expect(data).toEqual(raw);
});

test("an answer at every pixel is no answer to the whole", async () => {
  const b = new GraphBuilder(emptyGraph("net"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 4, 4] });
  const graph = b.build([b.sigmoid("x")]);
  await expect(openModel(graph, "mask.onnx")).rejects.toThrow(
    /has shape \[batch, 1, 4, 4\], an answer at each pixel/,
  );
});
