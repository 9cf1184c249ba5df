import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, layerGroups, openModel } from "#model";
import {
  type Dim,
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  sizeOf,
  string,
  tensor,
} from "#onnx";

const random = new Random("weights");
const drawn = (dims: readonly number[]) =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal() * 0.5),
  );

/** An image that is padded as told, a convolution and a linear layer. */
function padded(
  pads: (b: GraphBuilder, x: string) => string,
  image: readonly Dim[] = ["batch", 2, 6, 5],
): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: image });
  const wide = b.op("Pad", [x, pads(b, x)], { mode: string("constant") });
  const conv = b.op(
    "Conv",
    [wide, b.constant(drawn([4, 2, 3, 3]), "c.weight")],
    {
      strides: ints([2, 2]),
    },
  );
  const flat = b.op("Flatten", [
    b.op("GlobalAveragePool", [b.op("Relu", [conv])]),
  ]);
  // The weight is stored the other way round, and trained so.
  const weight = b.transpose(b.constant(drawn([3, 4]), "f.weight"), [1, 0]);
  return b.build([b.op("MatMul", [flat, weight], {}, "logits")]);
}

const wanted = [0, 0, 1, 1, 0, 0, 1, 2];

const ways: [string, (b: GraphBuilder, x: string) => string][] = [
  [
    "F.pad of the TorchScript exporter",
    (b) => {
      const given = b.ints([1, 2, 1, 1]);
      const all = b.concat([given, b.zeros(b.ints([4]), given)], 0);
      const pairs = b.slice(b.reshape(all, [-1, 2]), [-1], [-9], [0], [-1]);
      return b.cast(b.reshape(b.transpose(pairs, [1, 0]), [-1]), "int64");
    },
  ],
  [
    "sizes as floats, rounded up, as SAME padding of TensorFlow",
    (b, x) => {
      const shape = b.slice(b.shapeOf(x), [2], [4], [0]);
      const size = b.cast(shape, "float32");
      const steps = b.op("Ceil", [b.div(size, 2)]);
      const missing = b.op("Max", [
        b.sub(b.add(b.mul(b.sub(steps, 1), 2), 4), size),
        b.scalar(0),
      ]);
      const all = b.cast(missing, "int64");
      const before = b.div(all, 2);
      const none = b.ints([0, 0]);
      return b.concat([none, before, none, b.sub(all, before)], 0);
    },
  ],
  [
    "written by ScatterND into what CumSum and Where made",
    (b) => {
      const count = b.op("CumSum", [b.ints(new Array(8).fill(1)), b.ints([0])]);
      const zeros = b.where(b.less(count, 99), 0, count);
      const zero = b.cast(zeros, "int64");
      return b.op("ScatterND", [
        zero,
        b.constant(int64s([2, 3, 6, 7], [4, 1])),
        b.ints([1, 1, 1, 2]),
      ]);
    },
  ],
];

test.each(ways)("pads by %s are known", async (_what, pads) => {
  const graph = padded(pads);
  const model = await openModel(graph, "net.onnx");
  const pad = model.graph.nodes.find((n) => n.op === "Pad");
  const b = new GraphBuilder(model.graph);
  expect(b.intsOf(pad?.inputs[1])).toEqual(wanted);
  const x = drawn([2, 2, 6, 5]);
  const asItIs = await onnxruntime.load(graph);
  const { logits } = await asItIs.run({ x });
  const compiled = await compile(model, onnxruntime);
  const { gradient, logits: seen } = await compiled.lossGradient(x, [0, 1]);
  expect(seen.data).toEqual(logits?.data);
  expect(gradient.data.some((g) => g !== 0)).toBe(true);
  await asItIs.release();
  await compiled.release();
});

test("sizes that the suite states settle what is computed from them", async () => {
  const [, same] = ways[1]!;
  const graph = padded(same, ["batch", 2, "height", "width"]);
  const model = await openModel(graph, "net.onnx", {
    input: { shape: [2, 6, 5] },
  });
  const pad = model.graph.nodes.find((n) => n.op === "Pad");
  expect(new GraphBuilder(model.graph).intsOf(pad?.inputs[1])).toEqual(wanted);
});

test("weights stay where they lie, moved or not", async () => {
  const model = await openModel(padded(ways[0]![1]), "net.onnx");
  expect(layerGroups(model.graph).flatMap((g) => g.parameters)).toEqual([
    "c.weight",
    "f.weight",
  ]);
});

test("a condition that follows from constants is decided", async () => {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["batch", 4] });
  const branch = (factor: number) => {
    const body = new GraphBuilder(emptyGraph("branch"), "", b);
    const scale = body.constant(floats([], [factor]), `factor${factor}`);
    const y = body.op("Mul", [x, scale], {}, `y${factor}`);
    return { kind: "graph" as const, value: body.build([y]) };
  };
  const mean = b.op("ReduceMean", [b.constant(drawn([3])), b.ints([0])], {
    keepdims: int(0),
  });
  const condition = b.op("Not", [b.op("IsNaN", [mean])]);
  const y = b.op("If", [condition], {
    then_branch: branch(2),
    else_branch: branch(3),
  });
  const graph = b.build([b.matmul(y, b.constant(drawn([4, 3]), "w"))]);
  const model = await openModel(graph, "net.onnx");
  expect(model.graph.nodes.map((n) => n.op)).toEqual(["Mul", "MatMul"]);
});

test("a condition on an input that is filled is decided before preprocessing", async () => {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["batch", 3] });
  const rate = b.input({ name: "rate", type: "int64", dims: [] });
  const branch = (factor: number) => {
    const body = new GraphBuilder(emptyGraph("branch"), "", b);
    const scale = body.constant(floats([], [factor]), `factor${factor}`);
    const y = body.op("Mul", [x, scale], {}, `y${factor}`);
    return { kind: "graph" as const, value: body.build([y]) };
  };
  const y = b.op("If", [b.op("Equal", [rate, b.scalar(16000, "int64")])], {
    then_branch: branch(2),
    else_branch: branch(3),
  });
  const graph = b.build([y]);
  const factorAt = async (filled: number) => {
    const others = { rate: filled };
    const model = await openModel(graph, "net.onnx", {
      input: { name: "x", scale: 2, mean: 1, others },
    });
    const open = await compile(model, onnxruntime);
    const { data } = await open.logits(floats([1, 3], [0.5, 1, 0]));
    await open.release();
    return [...data];
  };
  // Of x in [0, 1] the branch gets 2 x - 1.
  expect(await factorAt(16000)).toEqual([0, 2, -2]);
  expect(await factorAt(8000)).toEqual([0, 3, -3]);
});

test("what is drawn at random is no constant", async () => {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["batch", 4] });
  const like = b.constant(tensor("float32", [1], new Float32Array(1)));
  const drawing = b.op("RandomUniformLike", [like]);
  const index = b.cast(b.mul(drawing, 4), "int64");
  const shifted = b.add(x, b.op("Gather", [x, index], { axis: int(1) }));
  const graph = b.build([b.matmul(shifted, b.constant(drawn([4, 3])))]);
  const model = await openModel(graph, "net.onnx");
  expect(model.graph.nodes.map((n) => n.op)).toContain("RandomUniformLike");
});
