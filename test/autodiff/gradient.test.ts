import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { crossEntropy, gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  encodeModel,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
} from "#onnx";
import { untrained } from "../reference.ts";

/** A graph of one float input, built by hand. */
function graphOf(
  dims: readonly number[],
  build: (b: GraphBuilder, x: string) => string,
): { graph: Graph; y: string } {
  const b = new GraphBuilder(emptyGraph("g"));
  const x = b.input({ name: "x", type: "float32", dims });
  const y = build(b, x);
  return { graph: b.build([y]), y };
}

/** The gradient of the sum of the output at the given values. */
async function slope(
  values: number[],
  build: (b: GraphBuilder, x: string) => string,
  dims: readonly number[] = [values.length],
): Promise<number[]> {
  const { graph, y } = graphOf(dims, build);
  const result = gradient(graph, { of: y, wrt: ["x"] });
  const session = await onnxruntime.load(result.graph);
  const out = await session.run({ x: floats(dims, values) });
  return Array.from(
    (out[result.gradients.get("x") as string] as FloatTensor).data,
  );
}

const one =
  (op: string, attributes = {}) =>
  (b: GraphBuilder, x: string) =>
    b.op(op, [x], attributes);

describe("slopes at kinks are PyTorch's", () => {
  test.each<
    [string, number[], (b: GraphBuilder, x: string) => string, number[]]
  >([
    ["relu'(0) = 0", [-1, 0, 1], one("Relu"), [0, 0, 1]],
    [
      "leaky relu'(0) = alpha",
      [-1, 0, 1],
      one("LeakyRelu", { alpha: float(0.25) }),
      [0.25, 0.25, 1],
    ],
    ["|0|' = 0", [-1, 0, 1], one("Abs"), [-1, 0, 1]],
    [
      "clip is inclusive at both ends",
      [-2, -1, 0, 1, 2],
      (b, x) => b.op("Clip", [x, b.scalar(-1), b.scalar(1)]),
      [0, 1, 1, 1, 0],
    ],
    [
      "the maximum of equals is shared",
      [3, 1, 3],
      (b, x) => b.op("ReduceMax", [x]),
      [0.5, 0, 0.5],
    ],
    [
      "the norm at 0 has no slope",
      [0, 0],
      (b, x) => b.op("ReduceL2", [x]),
      [0, 0],
    ],
    ["x^0.5 twice adds up", [4], (b, x) => b.add(b.sqrt(x), b.sqrt(x)), [0.5]],
  ])("%s", async (_name, values, build, wanted) => {
    expect(await slope(values, build)).toEqual(wanted);
  });

  test("a global maximum and Max and Min share ties", async () => {
    expect(await slope([2, 1, 2, 0], one("GlobalMaxPool"), [1, 1, 4])).toEqual([
      0.5, 0, 0.5, 0,
    ]);
    const both = (b: GraphBuilder, x: string) =>
      b.add(b.op("Max", [x, b.scalar(0)]), b.op("Min", [x, b.scalar(0)]));
    expect(await slope([-1, 0, 1], both)).toEqual([1, 1, 1]);
    expect(
      await slope([-1, 0, 1], (b, x) => b.op("Max", [x, b.scalar(0)])),
    ).toEqual([0, 0.5, 1]);
  });

  test("max-pooling gives all to the first of equals, also where windows overlap", async () => {
    const pool = (stride: number) => (b: GraphBuilder, x: string) =>
      b.op("MaxPool", [x], {
        kernel_shape: ints([2, 2]),
        strides: ints([stride, stride]),
      });
    expect(await slope([1, 1, 1, 1], pool(2), [1, 1, 2, 2])).toEqual([
      1, 0, 0, 0,
    ]);
    expect(
      await slope([0, 3, 1, 2, 3, 3, 2, 2], pool(2), [1, 1, 2, 4]),
    ).toEqual([0, 1, 0, 1, 0, 0, 0, 0]);
    expect(await slope([0, 5, 0, 0, 0, 0], pool(1), [1, 1, 2, 3])).toEqual([
      0, 2, 0, 0, 0, 0,
    ]);
  });
});

describe("gradient()", () => {
  test("sums what a value contributes wherever it is used", async () => {
    expect(
      await slope([2, 3], (b, x) => b.add(b.mul(x, x), b.mul(x, 5))),
    ).toEqual([9, 11]);
  });

  test("keeps the graph's outputs, drops what nothing needs, and leaves its argument alone", () => {
    const { graph, y } = graphOf([2, 3], (b, x) => {
      b.exp(b.exp(x));
      return b.op("Relu", [x]);
    });
    const before = JSON.stringify(graph, (_k, v) =>
      typeof v === "bigint" ? String(v) : v,
    );
    const first = gradient(graph, { of: y, wrt: ["x"] });
    expect(first.graph.outputs.map((o) => o.name)).toEqual([
      y,
      first.gradients.get("x"),
    ]);
    expect(first.graph.nodes.filter((n) => n.op === "Exp")).toEqual([]);
    expect(
      JSON.stringify(graph, (_k, v) => (typeof v === "bigint" ? String(v) : v)),
    ).toBe(before);
    expect(encodeModel(gradient(graph, { of: y, wrt: ["x"] }).graph)).toEqual(
      encodeModel(first.graph),
    );
  });

  test("differentiates with respect to constants and inner values as well", async () => {
    const { graph, y } = graphOf([2], (b, x) => {
      const inner = b.op(
        "Mul",
        [x, b.constant(floats([2], [3, 4]), "w")],
        {},
        "inner",
      );
      return b.mul(inner, inner);
    });
    const { graph: full, gradients } = gradient(graph, {
      of: y,
      wrt: ["w", "inner", "x"],
    });
    const out = await (await onnxruntime.load(full)).run({
      x: floats([2], [1, 2]),
    });
    const of = (name: string) =>
      Array.from((out[gradients.get(name) as string] as FloatTensor).data);
    expect(of("inner")).toEqual([6, 16]);
    expect(of("w")).toEqual([6, 32]);
    expect(of("x")).toEqual([18, 64]);
  });

  test("computes nothing below the lowest value that is asked for", () => {
    const model = untrained();
    const { graph, gradients } = gradient(model.graph, {
      of: model.logits,
      wrt: ["head.weight", "head.bias"],
    });
    const added = graph.nodes.filter(
      (n) => !model.graph.nodes.some((m) => m.outputs[0] === n.outputs[0]),
    );
    expect(
      added.some((n) => ["Conv", "ConvTranspose", "MaxUnpool"].includes(n.op)),
    ).toBe(false);
    expect([...gradients.keys()]).toEqual(["head.weight", "head.bias"]);
  });

  test.each([
    [
      "an operator without a rule",
      (b: GraphBuilder, x: string) => b.op("Det", [x], {}, "det"),
      "GRADIENT_UNSUPPORTED",
      /no gradient rule for Det "det"/,
    ],
    [
      "only paths through rounding",
      (b: GraphBuilder, x: string) => b.op("Round", [x], {}, "rounded"),
      "GRADIENT_NO_PATH",
      /Round "rounded"/,
    ],
    [
      "no path at all",
      (b: GraphBuilder, x: string) =>
        b.add(
          b.constant(floats([], [1])),
          b.cast(b.op("Size", [x]), "float32"),
        ),
      "GRADIENT_NO_PATH",
      /without a gradient: Size/,
    ],
  ])("%s is refused with its name", (_what, build, code, message) => {
    const { graph, y } = graphOf([2, 2], build);
    expect(() => gradient(graph, { of: y, wrt: ["x"] })).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/./),
      }),
    );
  });

  test("an operator without a rule does no harm where no gradient passes", async () => {
    const d = floats([2, 2], [2, 0, 0, 3]);
    expect(
      await slope([1, 2], (b, x) => b.mul(x, b.op("Det", [b.constant(d)]))),
    ).toEqual([6, 6]);
  });

  test("names that the graph does not have are refused", () => {
    const { graph, y } = graphOf([1], one("Relu"));
    expect(() => gradient(graph, { of: "nothing", wrt: ["x"] })).toThrow(
      /no value named "nothing"/,
    );
    expect(() => gradient(graph, { of: y, wrt: ["z"] })).toThrow(
      /no value named "z"/,
    );
  });

  test("passes straight through the parts it is told to", async () => {
    const { graph, y } = graphOf([3], (b, x) =>
      b.mul(
        b.op("Round", [b.mul(x, 10)], {}, "levels"),
        b.constant(floats([3], [1, 2, 3])),
      ),
    );
    const result = gradient(graph, {
      of: y,
      wrt: ["x"],
      straightThrough: [{ input: "x", output: "levels" }],
    });
    const out = await (await onnxruntime.load(result.graph)).run({
      x: floats([3], [0.12, 0.3, 0.5]),
    });
    expect(
      Array.from(
        (out[result.gradients.get("x") as string] as FloatTensor).data,
      ),
    ).toEqual([1, 2, 3]);
  });
});

describe("cross-entropy", () => {
  async function lossOf(logits: number[][], labels: number[]) {
    const b = new GraphBuilder(emptyGraph("loss"));
    const classes = logits[0]?.length ?? 0;
    b.input({ name: "z", type: "float32", dims: ["batch", classes] });
    b.input({ name: "y", type: "int64", dims: ["batch"] });
    const loss = crossEntropy(b, "z", "y");
    const result = gradient(b.build([loss]), { of: loss, wrt: ["z"] });
    const out = await (await onnxruntime.load(result.graph)).run({
      z: floats([logits.length, classes], logits.flat()),
      y: int64s(labels),
    });
    return {
      loss: Array.from((out[loss] as FloatTensor).data),
      slope: Array.from(
        (out[result.gradients.get("z") as string] as FloatTensor).data,
      ),
    };
  }

  test("is minus the log of the label's softmax, and its slope softmax minus one-hot", async () => {
    const z = [
      [1, 2, -0.5],
      [0.3, -1, 4],
    ];
    const y = [2, 0];
    const seen = await lossOf(z, y);
    z.forEach((row, i) => {
      const sum = row.reduce((s, v) => s + Math.exp(v), 0);
      expect(seen.loss[i]).toBeCloseTo(Math.log(sum) - row[y[i]!]!, 5);
      row.forEach((v, k) => {
        expect(seen.slope[3 * i + k]).toBeCloseTo(
          Math.exp(v) / sum - Number(k === y[i]),
          5,
        );
      });
    });
  });

  test("stays finite for huge logits", async () => {
    const { loss, slope: s } = await lossOf(
      [
        [1e4, -1e4],
        [-1e4, 1e4],
      ],
      [1, 1],
    );
    expect(loss.map(Math.abs)).toEqual([2e4, 0]);
    expect(s.map((v) => v + 0)).toEqual([1, -1, 0, 0]);
  });
});

test("optimised or not, on one thread or two, one by one or in a batch: the same gradient", async () => {
  const model = untrained();
  const random = new Random(1);
  const x = floats(
    [6, 1, 8, 8],
    Array.from({ length: 384 }, () => random.uniform()),
  );
  const weights = ["conv1.weight", "conv2.weight", "hidden.weight"];
  const result = gradient(model.graph, {
    of: model.logits,
    wrt: [model.input, ...weights],
  });
  const bytes = encodeModel(result.graph);
  const run = async (
    options: ort.InferenceSession.SessionOptions,
    input: FloatTensor,
  ) => {
    const session = await ort.InferenceSession.create(bytes, options);
    const out = await session.run({
      [model.input]: new ort.Tensor("float32", input.data, input.dims),
    });
    return [...result.gradients.values()].map(
      (name) => out[name]?.data as Float32Array,
    );
  };
  const plain = await run(
    { graphOptimizationLevel: "disabled", intraOpNumThreads: 1 },
    x,
  );
  const others = [
    await run({ graphOptimizationLevel: "all", intraOpNumThreads: 1 }, x),
    await run({ graphOptimizationLevel: "all", intraOpNumThreads: 2 }, x),
  ];
  const singly = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      run(
        {},
        { ...x, dims: [1, 1, 8, 8], data: x.data.slice(64 * i, 64 * (i + 1)) },
      ),
    ),
  );
  // Input gradients are the samples' own; weight gradients add up.
  others.push(
    plain.map((p, k) =>
      k === 0
        ? Float32Array.from(singly.flatMap((s) => Array.from(s[0]!)))
        : p.map((_, i) =>
            singly.reduce((sum, s) => sum + (s[k]?.[i] as number), 0),
          ),
    ),
  );
  for (const other of others) {
    plain.forEach((p, k) => {
      const scale = Math.max(...p.map(Math.abs));
      p.forEach((v, i) => {
        expect(Math.abs(v - (other[k]?.[i] as number)) / scale).toBeLessThan(
          1e-5,
        );
      });
    });
  }
});

test("repeated picks add up on many threads without a race", async () => {
  const n = 200_000;
  const result = await slope(new Array(16).fill(1), (b, x) =>
    b.op(
      "Gather",
      [x, b.constant(int64s(Array.from({ length: n }, (_, i) => i % 16)))],
      { axis: int(0) },
    ),
  );
  expect(result).toEqual(new Array(16).fill(n / 16));
});
