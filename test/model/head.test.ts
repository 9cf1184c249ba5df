import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, openModel, replaceHead } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  filled,
  floats,
  type Graph,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  tensor,
} from "#onnx";
import { embeddingOf, embeddingTable } from "../../src/model/integers.ts";

const random = new Random("weights");
const drawn = (dims: readonly number[]): FloatTensor =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal() * 0.5),
  );
const bytes = (dims: readonly number[]) =>
  tensor(
    "int8",
    dims,
    Int8Array.from({ length: sizeOf(dims) }, () => random.below(200) - 100),
  );

/**
 * An image of two channels and 4 x 5 pixels, a convolution to five maps, and what
 * `end` makes of them.
 */
function images(end: (b: GraphBuilder, maps: string) => string): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 2, 4, 5] });
  const maps = b.op("Relu", [
    b.op("Conv", [x, b.constant(drawn([5, 2, 1, 1]), "c.weight")]),
  ]);
  return b.build([end(b, maps)]);
}

/** The same with five features instead of maps. */
const features = (end: (b: GraphBuilder, features: string) => string) =>
  images((b, maps) =>
    end(b, b.op("Flatten", [b.op("GlobalAveragePool", [maps])])),
  );

const scale = (b: GraphBuilder) => b.scalar(0.01);
const zero = (b: GraphBuilder) => b.constant(filled("int8", [], 0));

const ends: [string, number, Graph][] = [
  [
    "SqueezeNet: a convolution, Relu, pooling and Softmax over channels",
    5,
    images((b, maps) => {
      const conv = b.op("Conv", [maps, b.constant(drawn([3, 5, 1, 1]))]);
      const pooled = b.op("GlobalAveragePool", [b.op("Relu", [conv])]);
      return b.op("Softmax", [pooled], { axis: int(1) });
    }),
  ],
  [
    "DenseNet: a convolution of the one pixel that pooling leaves",
    5,
    images((b, maps) =>
      b.op("Conv", [
        b.op("GlobalAveragePool", [maps]),
        b.constant(drawn([3, 5, 1, 1])),
        b.constant(drawn([3])),
      ]),
    ),
  ],
  [
    "a convolution of nine pixels, whose answers are averaged",
    5,
    images((b, maps) =>
      b.op("GlobalAveragePool", [
        b.op("Conv", [maps, b.constant(drawn([3, 5, 3, 3]))], {
          pads: ints([1, 1, 1, 1]),
        }),
      ]),
    ),
  ],
  [
    "a mean over pixels of a Sigmoid",
    5,
    images((b, maps) =>
      b.op("GlobalAveragePool", [
        b.sigmoid(b.op("Conv", [maps, b.constant(drawn([3, 5, 1, 1]))])),
      ]),
    ),
  ],
  [
    "a convolution as large as its input",
    100,
    images((b, maps) =>
      b.op("Conv", [maps, b.constant(drawn([3, 5, 4, 5]))], {
        kernel_shape: ints([4, 5]),
      }),
    ),
  ],
  [
    "weights behind Transpose",
    5,
    features((b, x) =>
      b.matmul(x, b.transpose(b.constant(drawn([3, 5])), [1, 0])),
    ),
  ],
  [
    "weights of eight bits behind Cast and scale",
    5,
    features((b, x) => {
      const weight = b.mul(b.cast(b.constant(bytes([5, 3])), "float32"), 0.01);
      return b.add(b.matmul(x, weight), b.constant(drawn([3])));
    }),
  ],
  [
    "QDQ",
    5,
    features((b, x) => {
      const both = [scale(b), zero(b)];
      const rounded = (v: string) =>
        b.op("DequantizeLinear", [
          b.op("QuantizeLinear", [v, ...both]),
          ...both,
        ]);
      const weight = b.op("DequantizeLinear", [
        b.constant(bytes([5, 3])),
        ...both,
      ]);
      return rounded(b.op("Gemm", [rounded(x), weight]));
    }),
  ],
  [
    "QOperator",
    5,
    features((b, x) => {
      const both = [scale(b), zero(b)];
      const q = b.op("QuantizeLinear", [x, ...both]);
      const product = b.op("QLinearMatMul", [
        q,
        ...both,
        b.constant(bytes([5, 3])),
        ...both,
        ...both,
      ]);
      return b.op("DequantizeLinear", [product, ...both]);
    }),
  ],
  [
    "dynamic quantisation",
    5,
    features((b, x) => {
      const [q = "", s = "", z = ""] = b.many(
        "DynamicQuantizeLinear",
        [x],
        {},
        3,
      );
      const product = b.op("MatMulInteger", [
        q,
        b.constant(bytes([5, 3])),
        z,
        zero(b),
      ]);
      const scaled = b.mul(b.cast(product, "float32"), b.mul(s, 0.01));
      return b.add(scaled, b.constant(drawn([3])));
    }),
  ],
  [
    "LogSoftmax",
    5,
    features((b, x) =>
      b.op("LogSoftmax", [b.op("Gemm", [x, b.constant(drawn([5, 3]))])], {
        axis: int(1),
      }),
    ),
  ],
];

test.each(ends)("a new head in place of %s", async (_what, width, graph) => {
  const model = await openModel(graph, "net.onnx");
  expect(model.classes).toHaveLength(3);
  const headed = replaceHead(model, ["one", "other"], new Random(1));
  expect(headed.graph.constants.get("head.weight")?.dims).toEqual([2, width]);
  const compiled = await compile(headed, onnxruntime);
  const x = drawn([4, 2, 4, 5]);
  const { gradient, logits } = await compiled.lossGradient(x, [0, 1, 0, 1]);
  await compiled.release();
  expect(logits.dims).toEqual([4, 2]);
  expect(gradient.data.some((g) => g !== 0)).toBe(true);
});

test("what rounds and averages behind a linear layer is not its head", async () => {
  const model = await openModel(
    features((b, x) => b.op("Relu", [b.matmul(x, b.constant(drawn([5, 3])))])),
    "net.onnx",
  );
  expect(() => replaceHead(model, ["a", "b"], new Random(1))).toThrow(
    /the head of the model is Relu/,
  );
});

describe("tables in which tokens are looked up", () => {
  const table = (b: GraphBuilder) => b.constant(bytes([7, 4]), "table");
  const asFloats = (b: GraphBuilder, x: string) =>
    b.mul(b.cast(x, "float32"), 0.01);
  const ways: [string, (b: GraphBuilder, ids: string) => string][] = [
    [
      "of eight bits, made floats before",
      (b, ids) => b.op("Gather", [asFloats(b, table(b)), ids]),
    ],
    [
      "of eight bits, made floats behind",
      (b, ids) => asFloats(b, b.op("Gather", [table(b), ids])),
    ],
    [
      "that one-hot tokens are multiplied by",
      (b, ids) => {
        const wide = b.expand(b.unsqueeze(ids, [2]), b.ints([1, 1, 7]));
        const hot = b.equal(wide, b.ints([0, 1, 2, 3, 4, 5, 6]));
        return b.matmul(b.cast(hot, "float32"), asFloats(b, table(b)));
      },
    ],
  ];

  test.each(ways)("%s", async (_what, lookUp) => {
    const b = new GraphBuilder(emptyGraph("text"));
    const ids = b.input({ name: "ids", type: "int64", dims: ["n", 5] });
    const vectors = lookUp(b, ids);
    const mean = b.op("ReduceMean", [vectors, b.ints([1])], {
      keepdims: int(0),
    });
    const graph = b.build([b.matmul(mean, b.constant(drawn([4, 3])))]);
    expect(embeddingOf(graph, "ids")).toBe(vectors);
    expect(embeddingTable(graph, vectors)?.dims).toEqual([7, 4]);
    const model = await openModel(graph, "text.onnx");
    const compiled = await compile(model, onnxruntime);
    const x = floats([1, 5], [1, 2, 3, 4, 6]);
    const { gradient } = await compiled.lossGradient(x, [1]);
    await compiled.release();
    expect(gradient.dims).toEqual([1, 5, 4]);
    expect(gradient.data.some((g) => g !== 0)).toBe(true);
  });
});
