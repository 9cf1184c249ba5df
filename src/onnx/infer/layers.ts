import { axisOf, broadcast, divide, multiply } from "../dims.ts";
import { attribute, type Dim, type Node } from "../graph.ts";
import { windowOf, windowOutput } from "../windows.ts";
import type { InferContext, InferRule, InferTable } from "./known.ts";

/**
 * Output sizes; unknown where automatic padding depends on a size that
 * is not known yet.
 */
function windowed(
  node: Node,
  spatial: readonly Dim[],
  kernel?: readonly number[],
): Dim[] {
  const strides = attribute(node, "strides", "ints", []);
  const open =
    attribute(node, "auto_pad", "string", "NOTSET").startsWith("SAME") &&
    spatial.some((d, i) => typeof d !== "number" && (strides[i] ?? 1) !== 1);
  return open
    ? spatial.map(() => null)
    : windowOutput(windowOf(node, spatial, kernel), spatial);
}

const pool: InferRule = (context) => {
  const { node, inputs } = context;
  const dims = context.dims(0);
  const type = inputs[0]?.type;
  if (!dims) return [{ type }, { type: "int64" }];
  const spatial = dims.slice(2);
  const out = [...dims.slice(0, 2), ...windowed(node, spatial)];
  return [
    { type, dims: out },
    { type: "int64", dims: out },
  ];
};

const globalPool: InferRule = ({ inputs }) => [
  {
    type: inputs[0]?.type,
    dims: inputs[0]?.dims?.map((d, i) => (i < 2 ? d : 1)),
  },
];

/**
 * The result of a convolution of a known kernel, from what gives its
 * channels and its sizes.
 */
const convolved =
  (
    rule: (
      context: InferContext,
      spatial: readonly Dim[],
      weight: readonly Dim[],
      kernel: readonly number[],
    ) => readonly Dim[],
  ): InferRule =>
  (context) => {
    const type = context.inputs[0]?.type;
    const dims = context.dims(0);
    const weight = context.dims(1);
    const kernel = weight?.slice(2);
    if (!dims || !weight || !kernel?.every((k) => typeof k === "number"))
      return [{ type }];
    return [
      {
        type,
        dims: [
          dims[0] ?? null,
          ...rule(context, dims.slice(2), weight, kernel),
        ],
      },
    ];
  };

const convTranspose = convolved((context, spatial, weight, kernel) => {
  const { node } = context;
  const stated = context.ints("output_shape");
  const auto = attribute(node, "auto_pad", "string", "NOTSET");
  const same = auto.startsWith("SAME");
  // Automatic padding takes the place of pads.
  const pads = ["NOTSET", ""].includes(auto) && node.attributes.pads;
  const { auto_pad: _auto, pads: _pads, ...others } = node.attributes;
  const window = windowOf(
    { ...node, attributes: pads ? { ...others, pads } : others },
    spatial,
    kernel,
  );
  const extra = context.ints("output_padding") ?? [];
  const sizes = spatial.map((length, i): Dim => {
    if (stated) return stated[i] ?? null;
    if (typeof length !== "number") return null;
    const full =
      (length - 1) * (window.strides[i] ?? 1) +
      (extra[i] ?? 0) +
      ((window.kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) +
      1;
    // Automatic padding takes away what is too much, but adds nothing.
    if (same) return Math.min(full, length * (window.strides[i] ?? 1));
    return full - (window.padsBegin[i] ?? 0) - (window.padsEnd[i] ?? 0);
  });
  const channels = weight[1];
  const groups = context.int("group", 1);
  return [typeof channels === "number" ? channels * groups : null, ...sizes];
});

/** RNN, GRU and LSTM: the sequence of outputs, and the states after the last step. */
const recurrent: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const x = context.dims(0);
  const recurrence = context.dims(2);
  if (!x || !recurrence) return [{ type }, { type }, { type }];
  const [directions = null, , hidden = null] = recurrence;
  const batchFirst = context.int("layout", 0) === 1;
  const [batch = null, steps = null] = batchFirst ? x : [x[1], x[0]];
  const state = batchFirst
    ? [batch, directions, hidden]
    : [directions, batch, hidden];
  const sequence = batchFirst
    ? [batch, steps, directions, hidden]
    : [steps, directions, batch, hidden];
  return [
    { type, dims: sequence },
    { type, dims: state },
    { type, dims: state },
  ];
};

/** Attention of opset 23: the mixed values, and the keys and values seen. */
const attention: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const [q, k, v] = [0, 1, 2].map((i) => context.dims(i));
  if (!q || !k || !v) return [{ type }, { type }, { type }, { type }];
  const heads = (d: readonly Dim[], name: string) => {
    if (d.length === 4) return d;
    const count = context.int(name, 1);
    return [d[0] ?? null, count, d[1] ?? null, divide(d[2] ?? null, count)];
  };
  const [apart, keys, values] = [
    heads(q, "q_num_heads"),
    heads(k, "kv_num_heads"),
    heads(v, "kv_num_heads"),
  ];
  const [batch = null, count = null, queries = null] = apart;
  const width = values[3] ?? null;
  const past = context.dims(4)?.[2];
  const joined = (d: readonly Dim[]) => {
    const length = d[2] ?? null;
    const both =
      past === undefined
        ? length
        : typeof past === "number" && typeof length === "number"
          ? past + length
          : null;
    return [d[0] ?? null, d[1] ?? null, both, d[3] ?? null];
  };
  return [
    {
      type,
      dims:
        q.length === 4
          ? [batch, count, queries, width]
          : [batch, queries, multiply([count, width])],
    },
    { type, dims: joined(keys) },
    { type, dims: joined(values) },
    { type, dims: [batch, count, queries, joined(keys)[2] ?? null] },
  ];
};

const unchanged: InferRule = ({ inputs }) => [
  { type: inputs[0]?.type, dims: inputs[0]?.dims },
];

export const layerOps: InferTable = {
  Attention: attention,
  RotaryEmbedding: unchanged,
  RMSNormalization: unchanged,
  SimplifiedLayerNormalization: unchanged,
  RNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  Conv: convolved(({ node }, spatial, weight, kernel) => [
    weight[0] ?? null,
    ...windowed(node, spatial, kernel),
  ]),
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: (context) => pool(context).slice(0, 1),
  LpPool: (context) => pool(context).slice(0, 1),
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  MaxUnpool: ({ inputs, valuesOf }) => [
    { type: inputs[0]?.type, dims: valuesOf(2) },
  ],
  BatchNormalization: ({ inputs }) => [
    { type: inputs[0]?.type, dims: inputs[0]?.dims },
    { type: inputs[3]?.type, dims: inputs[3]?.dims },
    { type: inputs[4]?.type, dims: inputs[4]?.dims },
  ],
  LayerNormalization: (context) => {
    const dims = context.dims(0);
    const axis = dims && axisOf(context.int("axis", -1), dims.length);
    const stats = dims?.map((d, i) => (i < (axis ?? 0) ? d : 1));
    const type = context.inputs[0]?.type;
    return [
      { type, dims },
      { type: "float32", dims: stats },
      { type: "float32", dims: stats },
    ];
  },
  Gemm: (context) => {
    const a = context.dims(0);
    const b = context.dims(1);
    const type = context.inputs[0]?.type;
    if (!a || !b) return [{ type }];
    return [
      {
        type,
        dims: [
          a[context.int("transA", 0)] ?? null,
          b[1 - context.int("transB", 0)] ?? null,
        ],
      },
    ];
  },
  MatMul: (context) => {
    const a = context.dims(0);
    const b = context.dims(1);
    const type = context.inputs[0]?.type;
    const batch = a && b && broadcast(a.slice(0, -2), b.slice(0, -2));
    if (!a || !b || !batch) return [{ type }];
    return [
      {
        type,
        dims: [
          ...batch,
          ...(a.length > 1 ? [a[a.length - 2] ?? null] : []),
          ...(b.length > 1 ? [b[b.length - 1] ?? null] : []),
        ],
      },
    ];
  },
};
