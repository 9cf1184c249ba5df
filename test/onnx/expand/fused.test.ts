import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  type Attribute,
  type Attributes,
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  normalise,
  sizeOf,
  string,
  type Tensor,
  tensor,
} from "#onnx";
import { expectSameExpanded } from "./parity.ts";

const random = new Random(11);
const draw = (...dims: number[]): FloatTensor =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal()),
  );
const positive = (...dims: number[]): FloatTensor =>
  floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => 0.5 + random.uniform()),
  );
const int32 = (dims: number[], values: number[]) =>
  tensor("int32", dims, Int32Array.from(values));
const bytes = (dims: number[]) =>
  tensor(
    "uint8",
    dims,
    Uint8Array.from({ length: sizeOf(dims) }, () => random.below(256)),
  );
const numbers = (value: number[]): Attribute => ({ kind: "floats", value });

interface Case {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  /** Which inputs are weights: constants of the graph. */
  readonly constant?: readonly number[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  readonly opset?: number;
  readonly tolerance?: number;
}

/** Ids of tokens and segments, their tables and that of places, scale and shift. */
const embedded = [
  int32([2, 3], [1, 0, 4, 2, 2, 3]),
  int32([2, 3], [0, 1, 1, 0, 0, 1]),
  draw(5, 4),
  draw(6, 4),
  draw(2, 4),
  draw(4),
  draw(4),
];

const microsoft: Record<string, Case> = {
  Gelu: { op: "Gelu", inputs: [draw(2, 5)] },
  FastGelu: { op: "FastGelu", inputs: [draw(2, 5), draw(5)] },
  "FastGelu without bias": { op: "FastGelu", inputs: [draw(2, 5)] },
  BiasGelu: { op: "BiasGelu", inputs: [draw(2, 3, 5), draw(5)] },
  QuickGelu: {
    op: "QuickGelu",
    inputs: [draw(2, 5)],
    attributes: { alpha: float(1.3) },
  },
  SkipLayerNormalization: {
    op: "SkipLayerNormalization",
    inputs: [draw(2, 3, 4), draw(2, 3, 4), draw(4), draw(4), draw(4)],
    attributes: { epsilon: float(1e-5) },
  },
  "SkipLayerNormalization without beta": {
    op: "SkipLayerNormalization",
    inputs: [draw(2, 3, 4), draw(2, 3, 4), draw(4)],
  },
  SkipSimplifiedLayerNormalization: {
    op: "SkipSimplifiedLayerNormalization",
    inputs: [draw(2, 3, 4), draw(2, 3, 4), draw(4), draw(4)],
    attributes: { epsilon: float(1e-5) },
  },
  EmbedLayerNormalization: {
    op: "EmbedLayerNormalization",
    inputs: embedded,
    attributes: { epsilon: float(1e-5) },
    outputs: 2,
  },
  "EmbedLayerNormalization with a mask": {
    op: "EmbedLayerNormalization",
    inputs: [...embedded, int32([2, 3], [1, 1, 0, 1, 1, 1])],
    attributes: { epsilon: float(1e-5) },
    outputs: 2,
  },
  FusedMatMul: {
    op: "FusedMatMul",
    inputs: [draw(2, 4, 3), draw(2, 5, 4)],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.7) },
  },
  "FusedMatMul with batch axes moved": {
    op: "FusedMatMul",
    inputs: [draw(3, 2, 4), draw(2, 4, 5)],
    attributes: { transBatchA: int(1) },
  },
  "FusedConv Relu": {
    op: "FusedConv",
    inputs: [draw(1, 2, 5, 5), draw(3, 2, 3, 3), draw(3)],
    attributes: { activation: string("Relu"), pads: ints([1, 1, 1, 1]) },
  },
  "FusedConv Clip with a sum": {
    op: "FusedConv",
    inputs: [draw(1, 2, 5, 5), draw(3, 2, 3, 3), draw(3), draw(1, 3, 3, 3)],
    attributes: {
      activation: string("Clip"),
      activation_params: numbers([-0.5, 0.8]),
    },
  },
  "FusedConv LeakyRelu": {
    op: "FusedConv",
    inputs: [draw(1, 2, 5, 5), draw(3, 2, 3, 3)],
    attributes: {
      activation: string("LeakyRelu"),
      activation_params: numbers([0.2]),
    },
  },
  FusedGemm: {
    op: "FusedGemm",
    inputs: [draw(2, 3), draw(4, 3), draw(4)],
    attributes: {
      activation: string("LeakyRelu"),
      activation_alpha: float(0.1),
      transB: int(1),
    },
  },
  Attention: {
    op: "Attention",
    inputs: [draw(2, 3, 8), draw(8, 24), draw(24)],
    attributes: { num_heads: int(2) },
  },
  "Attention, causal, with lengths": {
    op: "Attention",
    inputs: [draw(2, 3, 8), draw(8, 24), draw(24), int32([2], [3, 2])],
    attributes: { num_heads: int(2), unidirectional: int(1) },
  },
  "Attention with a mask of keys and a bias of scores": {
    op: "Attention",
    inputs: [
      draw(2, 3, 8),
      draw(8, 24),
      draw(24),
      int32([2, 3], [1, 1, 0, 1, 1, 1]),
      undefined,
      draw(2, 2, 3, 3),
    ],
    attributes: { num_heads: int(2), scale: float(0.4) },
  },
  MultiHeadAttention: {
    op: "MultiHeadAttention",
    inputs: [draw(2, 3, 8), draw(2, 4, 8), draw(2, 4, 8), draw(24)],
    attributes: { num_heads: int(2) },
  },
  "MultiHeadAttention with a mask": {
    op: "MultiHeadAttention",
    inputs: [
      draw(2, 3, 8),
      draw(2, 4, 8),
      draw(2, 4, 6),
      undefined,
      int32([2, 4], [1, 1, 1, 0, 1, 1, 0, 0]),
    ],
    attributes: { num_heads: int(2) },
  },
  "MultiHeadAttention with heads apart": {
    op: "MultiHeadAttention",
    inputs: [draw(2, 3, 8), draw(2, 2, 4, 4), draw(2, 2, 4, 4)],
    attributes: { num_heads: int(2) },
  },
  GroupQueryAttention: {
    op: "GroupQueryAttention",
    inputs: [
      draw(2, 3, 32),
      draw(2, 3, 16),
      draw(2, 3, 16),
      undefined,
      undefined,
      int32([2], [2, 2]),
      int32([1], [3]),
    ],
    attributes: { num_heads: int(4), kv_num_heads: int(2) },
    outputs: 3,
  },
  "GroupQueryAttention, rotated": {
    op: "GroupQueryAttention",
    inputs: [
      draw(1, 3, 64),
      draw(1, 3, 32),
      draw(1, 3, 32),
      undefined,
      undefined,
      int32([1], [2]),
      int32([1], [3]),
      draw(8, 8),
      draw(8, 8),
    ],
    attributes: {
      num_heads: int(4),
      kv_num_heads: int(2),
      do_rotary: int(1),
      local_window_size: int(2),
    },
    outputs: 3,
  },
  "RotaryEmbedding, halves": {
    op: "RotaryEmbedding",
    inputs: [
      draw(2, 3, 8),
      int64s([0, 1, 2, 3, 4, 5], [2, 3]),
      draw(6, 2),
      draw(6, 2),
    ],
    attributes: {},
  },
  "RotaryEmbedding, interleaved, from an offset": {
    op: "RotaryEmbedding",
    inputs: [draw(1, 2, 3, 4), int64s([2]), draw(6, 2), draw(6, 2)],
    attributes: { interleaved: int(1) },
  },
  "MatMulNBits of 4 bits": {
    op: "MatMulNBits",
    inputs: [draw(2, 40), bytes([3, 3, 8]), positive(9), bytes([6])],
    constant: [1, 2, 3],
    attributes: {
      K: int(40),
      N: int(3),
      bits: int(4),
      block_size: int(16),
    },
    tolerance: 1e-4,
  },
  "MatMulNBits of 8 bits": {
    op: "MatMulNBits",
    inputs: [draw(2, 32), bytes([3, 2, 16]), positive(6)],
    constant: [1, 2],
    attributes: {
      K: int(32),
      N: int(3),
      bits: int(8),
      block_size: int(16),
    },
    tolerance: 1e-4,
  },
};

const standard: Record<string, Case> = {
  "Swish 24": {
    op: "Swish",
    inputs: [draw(2, 3)],
    attributes: { alpha: float(1.4) },
    opset: 24,
  },
  RMSNormalization: {
    op: "RMSNormalization",
    inputs: [draw(2, 3, 4), draw(4)],
    opset: 23,
  },
  SimplifiedLayerNormalization: {
    op: "SimplifiedLayerNormalization",
    inputs: [draw(2, 3, 4), draw(4)],
  },
  "RotaryEmbedding 23": {
    op: "RotaryEmbedding",
    inputs: [
      draw(2, 3, 8),
      draw(6, 2),
      draw(6, 2),
      int64s([0, 1, 2, 3, 4, 5], [2, 3]),
    ],
    attributes: { num_heads: int(2) },
    opset: 23,
  },
  "RotaryEmbedding 23 of a part, interleaved": {
    op: "RotaryEmbedding",
    inputs: [draw(2, 2, 3, 8), draw(2, 3, 2), draw(2, 3, 2)],
    attributes: { rotary_embedding_dim: int(4), interleaved: int(1) },
    opset: 23,
  },
  "Attention 23": {
    op: "Attention",
    inputs: [draw(2, 2, 3, 4), draw(2, 2, 5, 4), draw(2, 2, 5, 6)],
    opset: 23,
  },
  "Attention 23, causal, grouped, flat": {
    op: "Attention",
    inputs: [draw(2, 3, 16), draw(2, 3, 8), draw(2, 3, 8)],
    attributes: {
      q_num_heads: int(4),
      kv_num_heads: int(2),
      is_causal: int(1),
      scale: float(0.3),
    },
    opset: 23,
  },
  "Attention 23 with a mask": {
    op: "Attention",
    inputs: [
      draw(2, 2, 3, 4),
      draw(2, 2, 5, 4),
      draw(2, 2, 5, 4),
      tensor(
        "bool",
        [3, 5],
        Uint8Array.from([1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1]),
      ),
    ],
    opset: 23,
  },
};

const classical: Record<string, Case> = {
  Scaler: {
    op: "Scaler",
    inputs: [draw(3, 2)],
    attributes: { offset: numbers([0.5, -1]), scale: numbers([2, 3]) },
  },
  "Normalizer L1": {
    op: "Normalizer",
    inputs: [draw(3, 4)],
    attributes: { norm: string("L1") },
  },
  "Normalizer L2": {
    op: "Normalizer",
    inputs: [draw(3, 4)],
    attributes: { norm: string("L2") },
  },
  "Normalizer MAX": {
    op: "Normalizer",
    inputs: [positive(3, 4)],
    attributes: { norm: string("MAX") },
  },
  Imputer: {
    op: "Imputer",
    inputs: [floats([2, 2], [1, Number.NaN, Number.NaN, 4])],
    attributes: {
      imputed_value_floats: numbers([9, 8]),
      replaced_value_float: float(Number.NaN),
    },
  },
  LinearRegressor: {
    op: "LinearRegressor",
    inputs: [draw(3, 2)],
    attributes: {
      coefficients: numbers([1, 2, 3, 4]),
      intercepts: numbers([0.5, -0.5]),
      targets: int(2),
    },
  },
  ...Object.fromEntries(
    ["NONE", "LOGISTIC", "SOFTMAX"].map((transform) => [
      `LinearClassifier of three classes, ${transform}`,
      {
        op: "LinearClassifier",
        inputs: [draw(4, 2)],
        attributes: {
          coefficients: numbers([1, -2, 0.3, 0.4, -1, 1]),
          intercepts: numbers([0.1, 0.2, -0.3]),
          classlabels_ints: ints([5, 7, 9]),
          multi_class: int(1),
          post_transform: string(transform),
        },
        outputs: 2,
      },
    ]),
  ),
  "LinearClassifier with more coefficients than columns": {
    op: "LinearClassifier",
    inputs: [draw(4, 2)],
    attributes: {
      coefficients: numbers([1, 2, -1, 0.5, 0.3, -2, 9, 9, 9, 9, 9, 9]),
      intercepts: numbers([0.1, 0, -0.1]),
      classlabels_ints: ints([0, 1, 2]),
      multi_class: int(1),
      post_transform: string("LOGISTIC"),
    },
    outputs: 2,
  },
  "LinearClassifier of two classes by one row": {
    op: "LinearClassifier",
    inputs: [draw(4, 2)],
    attributes: {
      coefficients: numbers([1, -2]),
      intercepts: numbers([0.1]),
      classlabels_ints: ints([0, 1]),
      post_transform: string("LOGISTIC"),
    },
    outputs: 2,
  },
  "LinearClassifier of two classes by two rows": {
    op: "LinearClassifier",
    inputs: [draw(4, 2)],
    attributes: {
      coefficients: numbers([1, -2, -1, 2]),
      intercepts: numbers([0.1, -0.1]),
      classlabels_ints: ints([0, 1]),
      multi_class: int(1),
      post_transform: string("LOGISTIC"),
    },
    outputs: 2,
  },
  ArrayFeatureExtractor: {
    op: "ArrayFeatureExtractor",
    inputs: [draw(3, 4), int64s([2, 0], [1, 2])],
    constant: [1],
  },
};

function graphOf(
  c: Case,
  domain: string,
): { graph: Graph; feeds: Record<string, Tensor> } {
  const b = new GraphBuilder({
    ...emptyGraph(c.op),
    opsets: new Map([
      ["", c.opset ?? 18],
      ["com.microsoft", 1],
      ["ai.onnx.ml", 3],
    ]),
  });
  const feeds: Record<string, Tensor> = {};
  const inputs = c.inputs.map((t, i) => {
    if (!t) return "";
    if (c.constant?.includes(i)) return b.constant(t, `w${i}`);
    const name = `x${i}`;
    feeds[name] = t;
    return b.input({ name, type: t.type, dims: t.dims });
  });
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  b.append({
    name: "subject",
    op: c.op,
    domain,
    inputs,
    outputs,
    attributes: c.attributes ?? {},
  });
  const graph = b.build(outputs);
  const labels = c.op === "LinearClassifier";
  return {
    graph: {
      ...graph,
      outputs: graph.outputs.map((o, i) => ({
        name: o.name,
        type:
          c.op === "EmbedLayerNormalization" && i === 1
            ? "int32"
            : labels && i === 0
              ? "int64"
              : "float32",
      })),
    },
    feeds,
  };
}

describe.each([
  ["com.microsoft", microsoft],
  ["", standard],
  ["ai.onnx.ml", classical],
])("composite operators of the domain %j", (domain, cases) => {
  test.each(Object.entries(cases))(
    "%s computes the same expanded",
    (_name, c) => {
      const { graph, feeds } = graphOf(c, domain);
      return expectSameExpanded(graph, feeds, c.tolerance);
    },
  );
});

/** Central differences of the sum of an output, along one direction of one input. */
async function slope(
  graph: Graph,
  feeds: Record<string, Tensor>,
  name: string,
  direction: Float32Array,
) {
  const session = await onnxruntime.load(graph);
  const step = 1e-2;
  const at = async (sign: number) => {
    const x = feeds[name] as FloatTensor;
    const moved = x.data.map((v, i) => v + sign * step * direction[i]!);
    const outputs = await session.run({
      ...feeds,
      [name]: { ...x, data: moved },
    });
    const y = outputs[graph.outputs.at(-1)?.name ?? ""] as FloatTensor;
    // Weighted, because scores that sum to 1 have no slope.
    return y.data.reduce((sum, v, i) => sum + v * Math.sin(i + 1), 0);
  };
  const result = ((await at(1)) - (await at(-1))) / (2 * step);
  await session.release();
  return result;
}

test.each([
  ...[
    "SkipLayerNormalization",
    "Attention, causal, with lengths",
    "GroupQueryAttention, rotated",
    "MultiHeadAttention with heads apart",
    "QuickGelu",
    "FusedMatMul with batch axes moved",
    "MatMulNBits of 4 bits",
  ].map((n) => ["com.microsoft", n, microsoft[n]!] as const),
  ...[
    "Attention 23, causal, grouped, flat",
    "RotaryEmbedding 23 of a part, interleaved",
    "RMSNormalization",
  ].map((n) => ["", n, standard[n]!] as const),
  ...[
    "Normalizer L2",
    "LinearClassifier of two classes by one row",
    "LinearClassifier of three classes, SOFTMAX",
  ].map((n) => ["ai.onnx.ml", n, classical[n]!] as const),
])("gradients pass through %s %s", async (domain, _name, c) => {
  const outputs = c.op === "LinearClassifier" ? 2 : 1;
  const { graph: whole, feeds } = graphOf({ ...c, outputs }, domain);
  const output = whole.outputs.at(-1)?.name ?? "";
  const session = await onnxruntime.load(whole);
  const y = (await session.run(feeds))[output] as FloatTensor;
  await session.release();
  const seeded = new GraphBuilder(normalise(whole));
  seeded.input({ name: "seed", type: "float32", dims: y.dims });
  const result = gradient(seeded.build([output]), {
    of: output,
    wrt: ["x0"],
    seed: "seed",
  });
  const backward = await onnxruntime.load(result.graph);
  const seed = floats(
    y.dims,
    Float32Array.from(y.data, (_, i) => Math.sin(i + 1)),
  );
  const g = (await backward.run({ ...feeds, seed }))[
    result.gradients.get("x0") as string
  ] as FloatTensor;
  await backward.release();
  const direction = Float32Array.from(g.data, () => random.normal());
  const numeric = await slope(
    { ...whole, outputs: whole.outputs.slice(-1) },
    feeds,
    "x0",
    direction,
  );
  const analytic = g.data.reduce((sum, v, i) => sum + v * direction[i]!, 0);
  const scale = Math.sqrt(g.data.reduce((sum, v) => sum + v * v, 0)) + 1e-3;
  expect(Math.abs(numeric - analytic) / scale).toBeLessThan(1e-2);
});
