import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  type Attributes,
  emptyGraph,
  floats,
  GraphBuilder,
  int,
  int64s,
  ints,
  string,
  type Tensor,
  tensor,
} from "#onnx";

interface Case {
  readonly op: string;
  /**
   * Inputs of the graph. Constants are where the operator's shape depends
   * on their contents.
   */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly constant?: readonly number[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  readonly opset?: number;
}

const X = floats(
  [2, 3, 4],
  Array.from({ length: 24 }, (_, i) => Math.sin(i)),
);
const bytes = (dims: readonly number[]) =>
  tensor("uint8", dims, new Uint8Array(dims.reduce((p, d) => p * d, 1)));
const bits = (...values: number[]) =>
  tensor("bool", [values.length], Uint8Array.from(values));
const int32 = (dims: readonly number[], ...values: number[]) =>
  tensor("int32", dims, Int32Array.from(values));
const scale = floats([], [0.1]);
const zero = tensor("uint8", [], Uint8Array.of(3));

const cases: readonly Case[] = [
  {
    op: "Einsum",
    inputs: [X, floats([4, 5], new Array(20).fill(1))],
    attributes: { equation: string("...ij,jk->k...i") },
  },
  {
    op: "Einsum",
    inputs: [X, floats([1, 4], [1, 2, 3, 4])],
    attributes: { equation: string("bij,ij") },
  },
  { op: "GatherND", inputs: [X, int64s([0, 1, 1, 2], [2, 2])] },
  {
    op: "GatherND",
    inputs: [X, int64s([2, 0], [2, 1])],
    attributes: { batch_dims: int(1) },
  },
  { op: "Compress", inputs: [X, bits(1, 0, 1)], attributes: { axis: int(1) } },
  {
    op: "Compress",
    inputs: [X, bits(1, 0, 1)],
    constant: [1],
    attributes: { axis: int(-2) },
  },
  { op: "Compress", inputs: [X, bits(1, 0, 1, 1)], constant: [1] },
  { op: "Unique", inputs: [X], outputs: 4 },
  { op: "Unique", inputs: [X], attributes: { axis: int(1) }, outputs: 4 },
  { op: "Trilu", inputs: [X] },
  { op: "CumProd", inputs: [X, int64s([1], [])], opset: 26 },
  {
    op: "CenterCropPad",
    inputs: [X, int64s([5, 2])],
    constant: [1],
    attributes: { axes: ints([0, -1]) },
  },
  {
    op: "OneHot",
    inputs: [
      int64s([1, 2, 0, 1, 1, 0], [2, 3]),
      int64s([4]),
      floats([2], [0, 1]),
    ],
    constant: [1],
    attributes: { axis: int(1) },
  },
  {
    op: "TensorScatter",
    inputs: [X, floats([2, 1, 4], new Array(8).fill(1))],
    opset: 24,
  },
  {
    op: "NegativeLogLikelihoodLoss",
    inputs: [X, int64s([0, 1, 2, 0, 1, 2, 0, 0], [2, 4])],
    attributes: { reduction: string("none") },
  },
  {
    op: "SoftmaxCrossEntropyLoss",
    inputs: [X, int64s([0, 1, 2, 0, 1, 2, 0, 0], [2, 4])],
    outputs: 2,
  },
  { op: "QuantizeLinear", inputs: [X, scale, zero] },
  { op: "QuantizeLinear", inputs: [X, scale] },
  {
    op: "QuantizeLinear",
    inputs: [X, scale],
    attributes: { output_dtype: int(3) },
    opset: 21,
  },
  { op: "DequantizeLinear", inputs: [bytes([2, 3]), scale, zero] },
  { op: "DynamicQuantizeLinear", inputs: [X], outputs: 3 },
  {
    op: "QLinearConv",
    inputs: [
      bytes([1, 2, 5, 5]),
      scale,
      zero,
      bytes([3, 2, 3, 2]),
      scale,
      zero,
      scale,
      zero,
    ],
    attributes: { strides: ints([2, 1]), pads: ints([1, 0, 1, 0]) },
  },
  {
    op: "QLinearMatMul",
    inputs: [
      bytes([2, 3, 4]),
      scale,
      zero,
      bytes([4, 5]),
      scale,
      zero,
      scale,
      zero,
    ],
  },
  { op: "ConvInteger", inputs: [bytes([1, 2, 5, 5]), bytes([3, 2, 3, 2])] },
  { op: "MatMulInteger", inputs: [bytes([2, 3, 4]), bytes([4, 5])] },
  {
    op: "BitwiseAnd",
    inputs: [int32([2, 1], 1, 2), int32([3], 1, 2, 3)],
  },
  { op: "BitwiseOr", inputs: [int32([3], 4, 5, 6), int32([], 1)] },
  { op: "BitwiseXor", inputs: [int32([3], 4, 5, 6), int32([1, 1], 1)] },
  { op: "BitwiseNot", inputs: [int32([2], 1, 2)] },
  {
    op: "BitShift",
    inputs: [bytes([2, 1]), bytes([3])],
    attributes: { direction: string("LEFT") },
  },
  {
    op: "RandomNormal",
    inputs: [],
    attributes: { shape: ints([2, 3]), dtype: int(11) },
  },
  { op: "RandomUniform", inputs: [], attributes: { shape: ints([4]) } },
  { op: "RandomNormalLike", inputs: [X] },
  { op: "RandomUniformLike", inputs: [X], attributes: { dtype: int(11) } },
  {
    op: "Bernoulli",
    inputs: [floats([3], [0.1, 0.5, 0.9])],
    attributes: { dtype: int(7) },
  },
  {
    op: "Multinomial",
    inputs: [floats([2, 3], [1, 2, 3, 3, 2, 1])],
    attributes: { sample_size: int(5) },
  },
  {
    op: "NonMaxSuppression",
    inputs: [
      floats([1, 2, 4], [0, 0, 1, 1, 2, 2, 3, 3]),
      floats([1, 1, 2], [0.9, 0.8]),
      int64s([2]),
    ],
  },
];

test.each(cases.map((c) => [c.op, c] as const))(
  "%s: what is inferred is what comes out",
  async (_op, {
    op,
    inputs,
    constant = [],
    attributes = {},
    outputs = 1,
    opset = 18,
  }) => {
    const b = new GraphBuilder({
      ...emptyGraph("inferred"),
      opsets: new Map([["", opset]]),
    });
    const feeds: Record<string, Tensor> = {};
    const names = inputs.map((value, i) => {
      if (!value) return "";
      if (constant.includes(i)) return b.constant(value);
      feeds[`x${i}`] = value;
      return b.input({ name: `x${i}`, type: value.type, dims: value.dims });
    });
    const made = b.many(op, names, attributes, outputs);
    const session = await onnxruntime.load(b.build(made));
    const out = await session.run(feeds);
    for (const name of made) {
      const known = b.known(name);
      const seen = out[name]!;
      expect(known.type).toBe(seen.type);
      expect(known.dims).toHaveLength(seen.dims.length);
      // What depends on contents that are not known yet stays open.
      const filled = known.dims?.map((d, i) => d ?? seen.dims[i]);
      expect(filled).toEqual(seen.dims);
    }
  },
);

test("names of sizes go through contractions and picks", () => {
  const b = new GraphBuilder(emptyGraph("names"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 3, 4] });
  const w = b.input({ name: "w", type: "float32", dims: ["n", 4, 5] });
  const y = b.op("Einsum", [x, w], { equation: string("bij,bjk->ikb") });
  expect(b.dims(y)).toEqual([3, 5, "n"]);
  const at = b.input({ name: "at", type: "int64", dims: ["m", 2] });
  expect(b.dims(b.op("GatherND", [x, at]))).toEqual(["m", 4]);
  const q = b.op("QuantizeLinear", [x, b.scalar(1), b.scalar(0, "int8")]);
  expect(b.known(q)).toMatchObject({ type: "int8", dims: ["n", 3, 4] });
});
