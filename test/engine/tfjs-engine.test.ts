import tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { type Engine, onnxruntime, openEngine, tfjsEngine } from "#engine";
import {
  type Attributes,
  type DataType,
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  type Tensor,
  tensor,
} from "#onnx";

const tfjs = await tfjsEngine();

/** A graph of one node. */
function graphOf(
  op: string,
  inputs: readonly [DataType, readonly number[]][],
  attributes: Attributes = {},
  outputs = 1,
): Graph {
  const b = new GraphBuilder(emptyGraph("one node"));
  const names = inputs.map(([type, dims], i) =>
    b.input({ name: `x${i}`, type, dims }),
  );
  return b.build(b.many(op, names, attributes, outputs));
}

async function outputsOf(engine: Engine, graph: Graph, feeds: Tensor[]) {
  const session = await engine.load(graph);
  const outputs = await session.run(
    Object.fromEntries(feeds.map((t, i) => [`x${i}`, t])),
  );
  await session.release();
  return graph.outputs.map(({ name }) => outputs[name]);
}

/** A small network with a loss, as attacks differentiate it. */
function network(): Graph {
  const b = new GraphBuilder(emptyGraph("network"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 6, 6] });
  const weights = (dims: number[]) =>
    b.constant(
      floats(
        dims,
        Array.from({ length: dims.reduce((p, d) => p * d, 1) }, (_, i) =>
          Math.sin(3 * i),
        ),
      ),
    );
  const conv = b.op("Relu", [
    b.op("Conv", ["x", weights([4, 1, 3, 3])], { pads: ints([1, 1, 1, 1]) }),
  ]);
  const pooled = b.op("MaxPool", [conv], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  const shape = b.concat(
    [b.slice(b.shapeOf(pooled), [0], [1], [0]), b.ints([-1])],
    0,
  );
  const logits = b.matmul(b.reshape(pooled, shape), weights([36, 3]));
  return b.build([b.op("Softmax", [logits], {}, "y")]);
}

const image = (n: number) =>
  floats(
    [n, 1, 6, 6],
    Array.from({ length: 36 * n }, (_, i) => Math.cos(i)),
  );

describe("memory", () => {
  test("a thousand runs, forward and backward, leave no tensor behind", async () => {
    const before = tf.memory().numTensors;
    const session = await tfjs.load(network());
    const taken = await tfjs.differentiate?.(network(), {
      of: "y",
      wrt: ["x"],
    });
    const loaded = tf.memory().numTensors;
    for (let i = 0; i < 500; i++) {
      await session.run({ x: image(1) });
      await taken?.session.run({ x: image(2) });
    }
    expect(tf.memory().numTensors).toBe(loaded);
    await session.release();
    await taken?.session.release();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("neither does a run that fails", async () => {
    const graph = graphOf("Gather", [
      ["float32", [2]],
      ["int64", [1]],
    ]);
    const session = await tfjs.load(graph);
    const taken = await tfjs.differentiate?.(graph, {
      of: graph.outputs[0]?.name ?? "",
      wrt: ["x0"],
    });
    const before = tf.memory().numTensors;
    const feeds = { x0: floats([2], [1, 2]), x1: int64s([7]) };
    for (const run of [session, taken?.session])
      await expect(run?.run(feeds)).rejects.toThrow(
        /Gather .* index 7 is outside an axis of 2/,
      );
    expect(tf.memory().numTensors).toBe(before);
  });

  test("fed arrays stay as they are, and outputs are arrays of their own", async () => {
    const session = await tfjs.load(graphOf("Identity", [["float32", [2]]]));
    const x = floats([2], [1, 2]);
    const { Identity_0: y } = await session.run({ x0: x });
    (y?.data as Float32Array)[0] = 9;
    expect([...x.data]).toEqual([1, 2]);
    await session.release();
  });
});

describe("integers", () => {
  test.each([
    ["Add", [7, -7, 100], [2, 2, 3]],
    ["Sub", [7, -7, 100], [2, 2, 3]],
    ["Mul", [7, -7, 100], [2, 2, 3]],
    ["Div", [7, -7, 100], [2, 2, 3]],
    ["Mod", [7, -7, 100], [2, 2, -3]],
    ["Max", [7, -7, 100], [2, 2, 3]],
    ["Pow", [7, -7, 2], [2, 3, 0]],
  ])("%s of int64 is onnxruntime's", async (op, x, y) => {
    const graph = graphOf(op, [
      ["int64", [3]],
      ["int64", [3]],
    ]);
    const feeds = [int64s(x), int64s(y)];
    const [seen] = await outputsOf(tfjs, graph, feeds);
    const [wanted] = await outputsOf(onnxruntime, graph, feeds);
    expect(seen).toEqual(wanted);
  });

  test.each([
    ["CumSum", { reverse: int(1), exclusive: int(1) }, 0],
    ["ArgMin", { axis: int(1), keepdims: int(0) }, undefined],
    ["ReduceSum", {}, 1],
  ] as const)("%s along an axis too", async (op, attributes, axis) => {
    const b = new GraphBuilder(emptyGraph("integers"));
    b.input({ name: "x0", type: "int64", dims: [2, 3] });
    const at =
      axis === undefined
        ? []
        : [b.constant(int64s([axis], op === "CumSum" ? [] : [1]))];
    const graph = b.build([b.op(op, ["x0", ...at], attributes)]);
    const x = int64s([2 ** 30 + 1, 2 ** 30, 7, -3, 5, -3], [2, 3]);
    const small = int64s([4, 2, 7, -3, 5, -3], [2, 3]);
    for (const fed of op === "ReduceSum" ? [small] : [x, small]) {
      const [seen] = await outputsOf(tfjs, graph, [fed]);
      const [wanted] = await outputsOf(onnxruntime, graph, [fed]);
      expect(seen).toEqual(wanted);
    }
  });

  test("one beyond 32 bits is refused, fed or computed", async () => {
    const add = graphOf("Add", [
      ["int64", [1]],
      ["int64", [1]],
    ]);
    await expect(
      outputsOf(tfjs, add, [int64s([2 ** 40]), int64s([1])]),
    ).rejects.toMatchObject({
      code: "ENGINE_RUN",
      message: expect.stringContaining("1099511627776"),
    });
    await expect(
      outputsOf(tfjs, add, [int64s([2 ** 31 - 1]), int64s([1])]),
    ).rejects.toMatchObject({ code: "ENGINE_RUN" });
  });

  test("the bounds of a slice mean the end, however large they are", async () => {
    const slice = graphOf("Slice", [
      ["int64", [4]],
      ["int64", [1]],
      ["int64", [1]],
      ["int64", [1]],
      ["int64", [1]],
    ]);
    const end = (value: bigint) =>
      tensor("int64", [1], BigInt64Array.of(value));
    const x = int64s([1, 2, 3, 4]);
    const sliced = (start: number, to: bigint, step: number) =>
      outputsOf(tfjs, slice, [
        x,
        int64s([start]),
        end(to),
        int64s([0]),
        int64s([step]),
      ]);
    expect(await sliced(1, 2n ** 63n - 1n, 1)).toEqual([int64s([2, 3, 4])]);
    expect(await sliced(-1, -(2n ** 63n), -1)).toEqual([int64s([4, 3, 2, 1])]);
    // As constants, bounds need not be the customary ones.
    const b = new GraphBuilder(emptyGraph("slice"));
    b.input({ name: "x0", type: "int64", dims: [4] });
    const y = b.slice("x0", [2], [2 ** 40], [0]);
    expect(await outputsOf(tfjs, b.build([y]), [x])).toEqual([int64s([3, 4])]);
  });
});

describe("what it cannot run", () => {
  test("nodes without a kernel are named when the graph is loaded", async () => {
    const graph = graphOf("RandomNormalLike", [["float32", [2]]]);
    await expect(tfjs.load(graph)).rejects.toMatchObject({
      code: "ENGINE_LOAD",
      message:
        'TensorFlow.js cannot run one node: no kernel for RandomNormalLike "RandomNormalLike_0"',
    });
  });

  test("double precision is refused", async () => {
    await expect(
      tfjs.load(graphOf("Exp", [["float64", [2]]])),
    ).rejects.toMatchObject({ code: "ENGINE_LOAD" });
  });

  test("so are more than six axes", async () => {
    const graph = graphOf("Unsqueeze", [
      ["float32", [1, 1, 1, 1, 1, 1]],
      ["int64", [1]],
    ]);
    await expect(
      outputsOf(tfjs, graph, [floats([1, 1, 1, 1, 1, 1], [1]), int64s([0])]),
    ).rejects.toThrow(/output has 7 axes, TensorFlow.js takes 6 at most/);
  });

  test("an input that is not fed", async () => {
    const session = await tfjs.load(graphOf("Exp", [["float32", [2]]]));
    await expect(session.run({})).rejects.toMatchObject({
      code: "ENGINE_FEED",
    });
    await session.release();
  });
});

describe("its tape", () => {
  const b = new GraphBuilder(emptyGraph("rounds"));
  b.input({ name: "x", type: "float32", dims: [3] });
  const inner = b.op("Mul", ["x", b.scalar(3)], {}, "inner");
  const y = b.mul(b.op("Round", [inner], {}, "rounded"), 2);
  const graph = b.build([y]);
  const x = floats([3], [0.1, 0.4, 0.9]);

  test("stops where our gradient stops", async () => {
    await expect(
      tfjs.differentiate?.(graph, { of: y, wrt: ["x"] }),
    ).rejects.toMatchObject({ code: "GRADIENT_NO_PATH" });
    await expect(
      tfjs.differentiate?.(graph, { of: y, wrt: ["nowhere"] }),
    ).rejects.toMatchObject({ code: "GRAPH_NO_VALUE" });
  });

  test("passes straight through where it is told to, and stops at values inside", async () => {
    const taken = await tfjs.differentiate?.(graph, {
      of: y,
      wrt: ["x", "inner"],
      straightThrough: [{ input: "inner", output: "rounded" }],
    });
    const seen = await taken?.session.run({ x });
    const of = (name: string) =>
      Array.from(
        seen?.[taken?.gradients.get(name) ?? ""]?.data as Float32Array,
      );
    expect(seen?.[y]?.data).toEqual(Float32Array.of(0, 2, 6));
    expect(of("inner")).toEqual([2, 2, 2]);
    expect(of("x")).toEqual([6, 6, 6]);
    await taken?.session.release();
  });

  test("a value inside may be all that is asked for", async () => {
    const taken = await tfjs.differentiate?.(graph, {
      of: y,
      wrt: ["rounded"],
    });
    const seen = await taken?.session.run({ x });
    expect(seen?.[taken?.gradients.get("rounded") ?? ""]?.data).toEqual(
      Float32Array.of(2, 2, 2),
    );
    await taken?.session.release();
  });
});

describe("which TensorFlow.js", () => {
  const none = {
    isInstalled: () => false,
    load: () => Promise.reject(new Error("not asked")),
  };

  test("none is installed: an error that says what to install", async () => {
    await expect(tfjsEngine(undefined, none)).rejects.toMatchObject({
      code: "ENGINE_MISSING",
      hint: "npm install @tensorflow/tfjs",
    });
  });

  test("the fastest that can be loaded; one that cannot is told of", async () => {
    const said: string[] = [];
    const asked: string[] = [];
    const engine = await tfjsEngine((message) => said.push(message), {
      isInstalled: (name) => name !== "@tensorflow/tfjs-node",
      load(name) {
        asked.push(name);
        return name.endsWith("gpu")
          ? Promise.reject(new Error("libcudart.so not found\nmore"))
          : Promise.resolve(tf);
      },
    });
    expect(asked).toEqual(["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs"]);
    expect(said).toEqual([
      "@tensorflow/tfjs-node-gpu is installed but cannot be loaded: libcudart.so not found",
    ]);
    expect(engine.title).toBe(
      `tfjs ${tf.version.tfjs} (@tensorflow/tfjs, cpu)`,
    );
  });

  test("it is opened by name, and takes no device", async () => {
    expect((await openEngine({ engine: "tfjs" })).id).toBe("tfjs");
    expect((await openEngine({ engine: "tfjs", device: "auto" })).id).toBe(
      "tfjs",
    );
    await expect(
      openEngine({ engine: "tfjs", device: "cuda" }),
    ).rejects.toMatchObject({ name: "UsageError", code: "ENGINE_DEVICE" });
  });
});

test("pooling of max, with indices, is onnxruntime's where elements tie", async () => {
  const graph = graphOf(
    "MaxPool",
    [["float32", [1, 2, 5, 4]]],
    {
      kernel_shape: ints([3, 2]),
      strides: ints([2, 1]),
      pads: ints([1, 0, 1, 1]),
      ceil_mode: int(1),
    },
    2,
  );
  const x = floats(
    [1, 2, 5, 4],
    Array.from({ length: 40 }, (_, i) => (i * 7) % 3),
  );
  const seen = await outputsOf(tfjs, graph, [x]);
  const wanted = await outputsOf(onnxruntime, graph, [x]);
  expect(seen).toEqual(wanted);
});
