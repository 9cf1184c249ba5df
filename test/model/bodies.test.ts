import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, type LoadModelOptions, openModel, replaceHead } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  sizeOf,
} from "#onnx";

const random = new Random("weights");
const drawn = (dims: readonly number[]): FloatTensor =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal() * 0.5),
  );

function backbone(): Graph {
  const b = new GraphBuilder(emptyGraph("backbone"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 2, 4, 4] });
  return b.build([
    b.op("Relu", [b.op("Conv", [x, b.constant(drawn([5, 2, 3, 3]), "w")])]),
  ]);
}

/** Token ids and their vectors of four numbers, with a pooled output beside. */
function encoder(): Graph {
  const b = new GraphBuilder(emptyGraph("encoder"));
  const ids = b.input({ name: "input_ids", type: "int64", dims: ["n", 5] });
  const vectors = b.op("Gather", [b.constant(drawn([9, 4]), "table"), ids]);
  const tokens = b.op("Tanh", [vectors], {}, "last_hidden_state");
  const first = b.op("Gather", [tokens, b.constant(int64s([0], []))], {
    axis: int(1),
  });
  return b.build([tokens, b.op("Tanh", [first], {}, "pooler_output")]);
}

/** An embedding: a linear layer over x, and what `end` makes of it. */
function embedder(
  end: (b: GraphBuilder, y: string) => string,
  width = 6,
): Graph {
  const b = new GraphBuilder(emptyGraph("embedder"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 3] });
  const y = b.op("Gemm", [x, b.constant(drawn([3, width]), "w")]);
  return b.build([end(b, y)]);
}

const unit = (b: GraphBuilder, y: string) =>
  b.div(y, b.op("ReduceL2", [y, b.ints([1])], { keepdims: int(1) }));

const bodies: [string, Graph, LoadModelOptions, number][] = [
  ["maps, averaged", backbone(), { pool: "average" }, 5],
  ["the first token", encoder(), { pool: "cls" }, 4],
  ["the mean over tokens", encoder(), { pool: "mean" }, 4],
  ["a pooled output", encoder(), {}, 4],
  ["an embedding of length 1", embedder(unit), {}, 6],
  [
    "an embedding in the last axis",
    embedder((b, y) => b.unsqueeze(y, [1, 2])),
    {},
    6,
  ],
  [
    "an embedding by its name",
    embedder((b, y) => b.op("Identity", [y], {}, "sentence_embedding")),
    {},
    6,
  ],
];

test.each(bodies)(
  "a head is put on %s",
  async (_what, graph, options, width) => {
    const model = await openModel(graph, "body.onnx", options);
    expect(model.features).toBe(true);
    const headed = replaceHead(model, ["a", "b", "c"], new Random(1));
    expect(headed.features).toBeUndefined();
    expect(headed.graph.constants.get("head.weight")?.dims).toEqual([3, width]);
    const compiled = await compile(headed, onnxruntime);
    const shape = model.contract.shape;
    const x = model.embedding
      ? floats([2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0])
      : drawn([2, ...shape]);
    const { logits, gradient } = await compiled.lossGradient(x, [0, 1]);
    await compiled.release();
    expect(logits.dims).toEqual([2, 3]);
    expect(gradient.data.some((g) => g !== 0)).toBe(true);
  },
);

test("the mean over tokens leaves padding out", async () => {
  const model = await openModel(encoder(), "body.onnx", { pool: "mean" });
  const compiled = await compile(model, onnxruntime);
  const of = async (ids: number[]) => [
    ...(await compiled.logits(floats([1, 5], ids))).data,
  ];
  const [short, one] = [await of([3, 3, 0, 0, 0]), await of([3, 3, 3, 3, 3])];
  await compiled.release();
  short.forEach((v, k) => {
    expect(v).toBeCloseTo(one[k]!, 6);
  });
});

describe("what gives features answers no classes", () => {
  const classes = ["a", "b", "c"];

  test("and is refused where classes are asked of it", async () => {
    await expect(
      openModel(embedder(unit), "body.onnx", { classes }),
    ).rejects.toThrow(
      /gives features \(each row has a length of 1\), no answer for each of 3 classes/,
    );
  });

  test("also where they are multiplied by 1 over their length", async () => {
    const short = (b: GraphBuilder, y: string) => {
      const sum = b.reduceSum(b.mul(y, y), [1], true);
      const length = b.op("Sqrt", [b.add(sum, b.scalar(1e-6))]);
      return b.mul(y, b.div(b.scalar(1), length));
    };
    const model = await openModel(embedder(short), "body.onnx");
    expect(model.features).toBe(true);
  });

  test("but one of as many numbers as there are classes answers for them", async () => {
    const model = await openModel(embedder(unit, 3), "body.onnx", { classes });
    expect(model.features).toBeUndefined();
  });

  test("and places need a way to be pooled", async () => {
    await expect(openModel(backbone(), "body.onnx")).rejects.toThrow(
      /an answer at each pixel/,
    );
    await expect(
      openModel(backbone(), "body.onnx", { pool: "cls" }),
    ).rejects.toThrow(/which pool: cls is not for/);
  });
});

describe("models with states", () => {
  /** A GRU over four steps of two numbers, with its state as an input and an output. */
  function recurrent(
    batch: number | string,
    state: (number | string)[],
  ): Graph {
    const b = new GraphBuilder(emptyGraph("rnn"));
    const x = b.input({ name: "x", type: "float32", dims: [batch, 4, 2] });
    const h = b.input({ name: "h", type: "float32", dims: state });
    const rate = b.input({ name: "rate", type: "int64", dims: [] });
    const [, last = ""] = b.many(
      "GRU",
      [
        b.transpose(x, [1, 0, 2]),
        b.constant(drawn([1, 9, 2])),
        b.constant(drawn([1, 9, 3])),
        "",
        "",
        h,
      ],
      { hidden_size: int(3) },
      ["", "hn"],
    );
    const scaled = b.mul(b.squeeze(last, [0]), b.cast(rate, "float32"));
    return b.build([b.matmul(scaled, b.constant(drawn([3, 3])))]);
  }
  const input = { name: "x", others: { h: 0, rate: 2 } };

  test.each<[string, Graph]>([
    ["open", recurrent("n", [1, "n", 3])],
    ["open under another name", recurrent("n", [1, "m", 3])],
    ["fixed", recurrent(1, [1, 1, 3])],
    ["fixed for two", recurrent(2, [1, 2, 3])],
  ])("are filled where the batch is %s, scalars too", async (_what, graph) => {
    const model = await openModel(graph, "rnn.onnx", { input });
    const compiled = await compile(model, onnxruntime);
    const x = drawn([3, 4, 2]);
    const all = (await compiled.logits(x)).data;
    const one = await compiled.logits(floats([1, 4, 2], x.data.slice(8, 16)));
    await compiled.release();
    one.data.forEach((z, k) => {
      expect(all[3 + k]).toBeCloseTo(z, 5);
    });
  });
});

test("a model that takes one of two ways by what it computes is refused", async () => {
  const b = new GraphBuilder(emptyGraph("cascade"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 3] });
  const most = b.op("ReduceMax", [x], { keepdims: int(0) });
  const branch = (factor: number) => {
    const body = new GraphBuilder(emptyGraph("branch"), "", b);
    const scale = body.constant(floats([], [factor]), `factor${factor}`);
    const y = body.op("Mul", [x, scale], {}, `y${factor}`);
    return { kind: "graph" as const, value: body.build([y]) };
  };
  const y = b.op("If", [b.greater(most, 0.5)], {
    then_branch: branch(2),
    else_branch: branch(3),
  });
  // Of one number, too, that is what stands in the way, not what it means.
  const one = b.build([b.matmul(y, b.constant(drawn([3, 1])))]);
  const graph = b.build([b.matmul(y, b.constant(drawn([3, 3])))]);
  for (const each of [graph, one])
    await expect(openModel(each, "cascade.onnx")).rejects.toThrow(
      /takes one of two ways by what the model computes of its input/,
    );
});
