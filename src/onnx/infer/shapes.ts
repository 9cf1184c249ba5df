import { axisOf, divide, fixed, multiply } from "../dims.ts";
import type { Dim } from "../graph.ts";
import { attribute } from "../graph.ts";
import type { DataType } from "../tensor.ts";
import { places } from "./contents.ts";
import {
  axesOf,
  type InferContext,
  type InferTable,
  isComputed,
  type Known,
  knownConstant,
} from "./known.ts";

/** ONNX TensorProto.DataType numbers that a Cast may name. */
export const castTypes: Readonly<Record<number, DataType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

function reshape(context: InferContext): Known[] {
  const type = context.inputs[0]?.type;
  const from = context.dims(0);
  const target = context.inputs[1]?.values;
  if (!target) {
    const rank = context.dims(1)?.[0];
    return [
      typeof rank === "number"
        ? { type, dims: places(rank, () => 0)?.map(() => null) }
        : { type },
    ];
  }
  const keepZero = context.int("allowzero", 0) === 1;
  const dims = target.map((d, i) =>
    d === 0 && !keepZero ? (from?.[i] ?? null) : d,
  );
  const open = dims.indexOf(-1);
  if (open >= 0) {
    const rest = multiply(dims.filter((_, i) => i !== open));
    dims[open] = from ? divide(multiply(from), rest) : null;
  }
  const values = context.inputs[0]?.values;
  return [{ type, dims, values }];
}

const sameAsFirst = ({ inputs }: InferContext): Known[] => [
  { type: inputs[0]?.type, dims: inputs[0]?.dims },
];

export const shapeOps: InferTable = {
  Shape: (context) => {
    const dims = context.dims(0);
    if (!dims) return [{ type: "int64" }];
    const start = axisOf(context.int("start", 0), dims.length);
    const end = axisOf(context.int("end", dims.length), dims.length);
    const values = dims.slice(Math.max(0, start), end);
    return [{ type: "int64", dims: [values.length], values }];
  },
  Size: (context) => {
    const dims = context.dims(0);
    const size = dims ? multiply(dims) : null;
    return [{ type: "int64", dims: [], values: [size] }];
  },
  Cast: (context) => {
    const type = castTypes[context.int("to", 1)];
    const values = context.inputs[0]?.values;
    const truth = (v: Dim) => (typeof v === "number" ? Number(v !== 0) : null);
    return [
      {
        type,
        dims: context.dims(0),
        values:
          type === "bool"
            ? values?.map(truth)
            : type === "int64" || type === "int32"
              ? values
              : undefined,
        floats:
          type === "float32" && values?.every((v) => typeof v === "number")
            ? (values as number[])
            : undefined,
      },
    ];
  },
  CastLike: ({ inputs }) => [{ type: inputs[1]?.type, dims: inputs[0]?.dims }],
  Reshape: reshape,
  Flatten: (context) => {
    const dims = context.dims(0);
    const type = context.inputs[0]?.type;
    if (!dims) return [{ type, dims: [null, null] }];
    const axis = axisOf(context.int("axis", 1), dims.length);
    return [
      {
        type,
        dims: [multiply(dims.slice(0, axis)), multiply(dims.slice(axis))],
        values: context.inputs[0]?.values,
      },
    ];
  },
  Squeeze: (context) => {
    const dims = context.dims(0);
    const known = context.inputs[0];
    if (!dims || isComputed(context, 1)) return [{ type: known?.type }];
    const axes =
      axesOf(context, 1, dims.length) ??
      (fixed(dims) ? dims.flatMap((d, i) => (d === 1 ? [i] : [])) : undefined);
    return [
      {
        type: known?.type,
        dims: axes && dims.filter((_, i) => !axes.includes(i)),
        values: known?.values,
      },
    ];
  },
  Unsqueeze: (context) => {
    const dims = context.dims(0);
    const known = context.inputs[0];
    const count = context.ints("axes") ?? context.valuesOf(1);
    if (!dims || !count) return [{ type: known?.type }];
    const rank = dims.length + count.length;
    const axes = count.map((a) => axisOf(a, rank));
    const rest = [...dims];
    return [
      {
        type: known?.type,
        dims: Array.from({ length: rank }, (_, i) =>
          axes.includes(i) ? 1 : (rest.shift() ?? null),
        ),
        values: known?.values,
      },
    ];
  },
  GatherElements: ({ inputs }) => [
    { type: inputs[0]?.type, dims: inputs[1]?.dims },
  ],
  ScatterElements: sameAsFirst,
  ScatterND: sameAsFirst,
  ConstantOfShape: (context) => {
    const value = attribute(context.node, "value", "tensor", undefined);
    const type = value?.type ?? "float32";
    const dims = context.inputs[0]?.values;
    const shape = fixed(dims);
    const count = shape?.reduce((a, b) => a * b, 1) ?? Number.POSITIVE_INFINITY;
    const element = value && knownConstant(value).values?.[0];
    return [
      {
        type,
        dims,
        values:
          element === undefined
            ? undefined
            : places(count, () => 0)?.map(() => element),
      },
    ];
  },
  Range: (context) => {
    const type = context.inputs[0]?.type;
    const [start, limit, delta] = [0, 1, 2].map(
      (i) => context.valuesOf(i)?.[0],
    );
    if (start === undefined || limit === undefined || !delta) {
      const size =
        start === 0 && delta === 1 ? context.inputs[1]?.values?.[0] : null;
      return [{ type, dims: [size ?? null] }];
    }
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    return [
      {
        type,
        dims: [length],
        values: places(length, (i) => start + i * delta),
      },
    ];
  },
  TopK: (context) => {
    const dims = context.dims(0);
    const axis = dims && axisOf(context.int("axis", -1), dims.length);
    const k = context.valuesOf(1)?.[0] ?? null;
    const out = dims?.map((d, i) => (i === axis ? k : d));
    return [
      { type: context.inputs[0]?.type, dims: out },
      { type: "int64", dims: out },
    ];
  },
  NonZero: (context) => [
    { type: "int64", dims: [context.dims(0)?.length ?? null, null] },
  ],
  EyeLike: (context) => [
    {
      type: castTypes[context.int("dtype", 0)] ?? context.inputs[0]?.type,
      dims: context.dims(0),
    },
  ],
};
