import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  compile,
  layerGroups,
  loadModel,
  type Model,
  modelOf,
  replaceHead,
  saveModel,
} from "#model";
import {
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  type Node,
} from "#onnx";
import { open } from "../../src/index.ts";
import { linearModel, untrained } from "../reference.ts";

/**
 * conv -> batch norm -> relu -> global average -> linear; in the given layout and with
 * an optional Softmax.
 */
function exported({
  softmax = false,
  input = ["batch", 3, 4, 4] as (number | string)[],
} = {}): Graph {
  const random = new Random(9);
  const draw = (dims: number[]) =>
    floats(
      dims,
      Array.from(
        { length: dims.reduce((p, d) => p * d, 1) },
        () => random.normal() * 0.5,
      ),
    );
  const b = new GraphBuilder(emptyGraph("net"));
  let x = b.input({ name: "image", type: "float32", dims: input });
  if (input[3] === 3) x = b.transpose(x, [0, 3, 1, 2]);
  x = b.op("Conv", [x, b.constant(draw([5, 3, 3, 3]), "stem.weight")], {
    pads: ints([1, 1, 1, 1]),
  });
  const stats = [
    floats([5], [1, 2, 1, 2, 1]),
    floats([5], [0, 1, 0, 1, 0]),
    floats([5], [0.1, 0, 0, 0, 0]),
    floats([5], [1, 1, 2, 1, 1]),
  ];
  const [scale = "", shift = "", mean = "", variance = ""] = stats.map((t, i) =>
    b.constant(
      t,
      `norm.${["weight", "bias", "running_mean", "running_var"][i]}`,
    ),
  );
  x = b.op("BatchNormalization", [x, scale, shift, mean, variance], {
    epsilon: float(1e-5),
  });
  x = b.op("Flatten", [b.op("GlobalAveragePool", [b.op("Relu", [x])])]);
  x = b.op(
    "Gemm",
    [
      x,
      b.constant(draw([4, 5]), "classifier.weight"),
      b.constant(draw([4]), "classifier.bias"),
    ],
    { transB: int(1) },
    "logits",
  );
  if (softmax) x = b.op("Softmax", [x], { axis: int(1) }, "probabilities");
  return b.build([x]);
}

const images = (n: number, seed = 1): FloatTensor => {
  const random = new Random(seed);
  return floats(
    [n, 3, 4, 4],
    Array.from({ length: n * 48 }, () => random.uniform()),
  );
};

async function logitsOf(model: Model, x: FloatTensor): Promise<Float32Array> {
  const compiled = await compile(model, onnxruntime);
  const { data } = await compiled.logits(x);
  await compiled.release();
  return data;
}

function expectClose(seen: Float32Array, wanted: Float32Array): void {
  expect(seen).toHaveLength(wanted.length);
  for (const [i, z] of seen.entries()) {
    expect(z).toBeCloseTo(wanted[i]!, 4);
  }
}

test("layer groups go from input to output; statistics and scalars are not trained", () => {
  const groups = layerGroups(exported());
  expect(groups.map((g) => [g.name, [...g.parameters], g.size])).toEqual([
    ["stem", ["stem.weight", "norm.weight", "norm.bias"], 145],
    ["classifier", ["classifier.weight", "classifier.bias"], 24],
  ]);
  expect(
    layerGroups(exported(), ["*.bias"]).flatMap((g) => g.parameters),
  ).toEqual(["norm.bias", "classifier.bias"]);
});

test("a new head keeps the body and has the classes asked for", async () => {
  const model = modelOf(exported(), "net.onnx");
  const headed = replaceHead(model, ["x", "y"], new Random(1));
  expect(headed.classes).toEqual(["x", "y"]);
  expect(await logitsOf(headed, images(3))).toHaveLength(6);
  expect(headed.graph.constants.get("stem.weight")).toBe(
    model.graph.constants.get("stem.weight"),
  );
  expect(headed.graph.constants.has("classifier.weight")).toBe(false);
  expect(layerGroups(headed.graph).at(-1)?.name).toBe("head");
  // A head can be replaced again.
  const again = replaceHead(headed, ["p", "q", "r"], new Random(2));
  expect(layerGroups(again.graph).map((g) => g.name)).toEqual(["stem", "head"]);
  expect(await logitsOf(again, images(1))).toHaveLength(3);
});

test("a head behind a Cast, as models of half precision have it, is replaced", async () => {
  const b = new GraphBuilder(exported());
  const wide = b.cast("logits", "float32");
  const model = modelOf(b.build([wide]), "net.onnx");
  const headed = replaceHead(model, ["x", "y"], new Random(1));
  expect(await logitsOf(headed, images(2))).toHaveLength(4);
  expect(headed.graph.constants.has("classifier.weight")).toBe(false);
});

test("a head takes the names of the one before it, also where the file records the shapes of weights", () => {
  const headed = replaceHead(
    modelOf(exported(), "net.onnx"),
    ["x", "y"],
    new Random(1),
  );
  const recorded = {
    ...headed,
    graph: {
      ...headed.graph,
      valueInfo: [
        { name: "head.weight", type: "float32", dims: [2, 5] },
        { name: "head.bias", type: "float32", dims: [2] },
      ] as const,
    },
  };
  const again = replaceHead(recorded, ["p", "q", "r"], new Random(2));
  expect(layerGroups(again.graph).at(-1)?.parameters).toEqual([
    "head.weight",
    "head.bias",
  ]);
});

test("a model that ends in Softmax is taken at its logits", async () => {
  const with_ = modelOf(exported({ softmax: true }), "net.onnx");
  expect(await logitsOf(with_, images(2))).toEqual(
    await logitsOf(modelOf(exported(), "net.onnx"), images(2)),
  );
});

test("scale, mean and std go into the graph, and so does the layout", async () => {
  const plain = modelOf(exported(), "net.onnx");
  const input = { scale: 2, mean: [0.1, 0.2, 0.3], std: [0.5, 1, 2] };
  const normalised = modelOf(exported(), "net.onnx", { input });
  const raw = images(2);
  const byHand = {
    ...raw,
    data: raw.data.map(
      (v, i) =>
        (v * 2 - input.mean[Math.floor(i / 16) % 3]!) /
        input.std[Math.floor(i / 16) % 3]!,
    ),
  };
  expectClose(await logitsOf(normalised, raw), await logitsOf(plain, byHand));

  const last = modelOf(exported({ input: ["batch", 4, 4, 3] }), "net.onnx", {
    input: { layout: "NHWC" },
  });
  expect(last.contract.shape).toEqual([3, 4, 4]);
  expectClose(await logitsOf(last, raw), await logitsOf(plain, raw));
});

test("saved and read again, a model is the same, contract and all", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "assay-")), "model.onnx");
  const model = modelOf(exported(), "net.onnx", {
    input: { mean: 0.5, std: 0.25 },
    classes: ["a", "b", "c", "d"],
  });
  saveModel(file, model, { "assay.lineage": "{}" });
  const again = await loadModel(file);
  expect({ ...again, graph: null }).toEqual({ ...model, graph: null });
  expect(await logitsOf(again, images(3))).toEqual(
    await logitsOf(model, images(3)),
  );
  expect([...again.graph.constants.keys()].sort()).toEqual(
    [...model.graph.constants.keys()].sort(),
  );
});

test.each([
  [
    "open image size",
    { input: ["batch", 3, "h", "w"] },
    {},
    "MODEL_INPUT",
    /dimension 2 of input "image" is open \(h\)/,
  ],
  [
    "wrong shape",
    {},
    { input: { shape: [3, 5, 4] } },
    "MODEL_INPUT",
    /dimension 2 .* is 4, the suite states 5/,
  ],
  [
    "wrong number of classes",
    {},
    { classes: ["a", "b"] },
    "MODEL_OUTPUT",
    /has 4 outputs, 2 names were given/,
  ],
  [
    "wrong number of means",
    {},
    { input: { mean: [1, 2] } },
    "MODEL_INPUT",
    /has 2 values, the model has 3 channels/,
  ],
])("%s is refused in one line", (_what, shape, options, code, message) => {
  expect(() => modelOf(exported(shape), "net.onnx", options)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test("a model that was exported for one sample takes any number", async () => {
  const fixed = exported({ input: [1, 3, 4, 4] });
  // As exporters flatten a fixed batch: by its size.
  const flat = fixed.nodes.find((n) => n.op === "Flatten") as Node;
  const reshaped: Graph = {
    ...fixed,
    constants: new Map([...fixed.constants, ["flat", int64s([1, -1])]]),
    nodes: fixed.nodes.map((n) =>
      n === flat
        ? { ...n, op: "Reshape", inputs: [...n.inputs, "flat"], attributes: {} }
        : n,
    ),
  };
  const model = modelOf(reshaped, "net.onnx");
  const wanted = await logitsOf(modelOf(exported(), "net.onnx"), images(3));
  expectClose(await logitsOf(model, images(3)), wanted);
  expect(model.graph.inputs[0]?.dims).toEqual(["batch", 3, 4, 4]);
});

test("a head that is not linear is refused with what it is", () => {
  const b = new GraphBuilder(emptyGraph("odd"));
  b.input({ name: "x", type: "float32", dims: ["batch", 3] });
  const model = modelOf(b.build([b.op("Tanh", ["x"], {}, "y")]), "odd.onnx");
  expect(() => replaceHead(model, ["a", "b"], new Random(1))).toThrow(
    /the head of the model is Tanh "y"/,
  );
});

test("lossGradient gives the loss, its gradient and the logits", async () => {
  const model = linearModel(
    [
      [1, 2],
      [3, -1],
    ],
    [0, 0.5],
  );
  const { loss, gradient, logits } = await (await open(model)).lossGradient(
    floats([1, 2], [0.2, 0.4]),
    [0],
  );
  const z = [0.2 + 0.8, 0.6 - 0.4 + 0.5];
  const p = z.map((v) => Math.exp(v) / z.reduce((s, w) => s + Math.exp(w), 0));
  expect(Array.from(logits.data)).toEqual([
    expect.closeTo(z[0]!, 5),
    expect.closeTo(z[1]!, 5),
  ]);
  expect(loss[0]).toBeCloseTo(-Math.log(p[0]!), 5);
  expect(gradient.data[0]).toBeCloseTo((p[0]! - 1) * 1 + p[1]! * 3, 5);
  expect(gradient.data[1]).toBeCloseTo((p[0]! - 1) * 2 - p[1]!, 5);
});

test("many samples are run in parts, and the parts make the whole", async () => {
  const model = untrained();
  const random = new Random(1);
  const x = floats(
    [600, 1, 8, 8],
    Array.from({ length: 600 * 64 }, () => random.uniform()),
  );
  const y = Array.from({ length: 600 }, (_, i) => i % 5);
  const opened = await open(model);
  const whole = await opened.lossGradient(x, y);
  const last = await opened.lossGradient(
    { ...x, dims: [88, 1, 8, 8], data: x.data.subarray(512 * 64) },
    y.slice(512),
  );
  expect(whole.gradient.data.subarray(512 * 64)).toEqual(last.gradient.data);
  expect(whole.loss.subarray(512)).toEqual(last.loss);
});
