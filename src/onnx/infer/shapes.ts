import { axisOf, broadcast, divide, fixed, multiply } from "../dims.ts";
import type { Dim } from "../graph.ts";
import { attribute } from "../graph.ts";
import type { DataType } from "../tensor.ts";
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
        ? { type, dims: new Array<Dim>(rank).fill(null) }
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

function slice(context: InferContext): Known[] {
  const type = context.inputs[0]?.type;
  const from = context.dims(0);
  const starts = context.valuesOf(1);
  const ends = context.valuesOf(2);
  if (!from) return [{ type }];
  const rank = from.length;
  if (isComputed(context, 3)) {
    return [{ type, dims: new Array<Dim>(rank).fill(null) }];
  }
  const count = starts?.length ?? ends?.length ?? rank;
  const axes =
    axesOf(context, 3, rank) ?? Array.from({ length: count }, (_, i) => i);
  // No number stands for a step that is not known.
  const steps = isComputed(context, 4)
    ? axes.map(() => Number.NaN)
    : (context.valuesOf(4) ?? axes.map(() => 1));
  const dims = [...from];
  axes.forEach((axis, i) => {
    const range = sliceRange(
      from[axis] ?? null,
      starts?.[i],
      ends?.[i],
      steps[i],
    );
    dims[axis] = range
      ? range.count
      : sliceKeeps(starts?.[i], ends?.[i], steps[i])
        ? (from[axis] ?? null)
        : null;
  });
  const values = context.inputs[0]?.values;
  const range =
    rank === 1 && values
      ? sliceRange(values.length, starts?.[0], ends?.[0], steps[0])
      : undefined;
  return [
    {
      type,
      dims,
      values:
        range &&
        Array.from(
          { length: range.count },
          (_, i) => values?.[range.start + i * range.step] ?? null,
        ),
    },
  ];
}

/** A slice of an axis of unknown size that takes all of it. */
function sliceKeeps(start?: number, end?: number, step?: number): boolean {
  return start === 0 && end !== undefined && end >= 2 ** 31 - 1 && step === 1;
}

/** First index, step and count of a Slice along an axis, or undefined when a number is missing. */
export function sliceRange(
  length: Dim,
  start: number | undefined,
  end: number | undefined,
  step = 1,
): { start: number; step: number; count: number } | undefined {
  if (
    typeof length !== "number" ||
    start === undefined ||
    end === undefined ||
    !step
  ) {
    return undefined;
  }
  const clamp = (v: number, low: number, high: number) =>
    Math.min(Math.max(v < 0 ? v + length : v, low), high);
  const first =
    step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1);
  // To onnxruntime the largest end means as far as there is, backwards too.
  const far = end === 2 ** 31 - 1 || end === 2 ** 63;
  const last =
    step > 0 ? clamp(end, 0, length) : far ? -1 : clamp(end, -1, length - 1);
  return {
    start: first,
    step,
    count: Math.max(0, Math.ceil((last - first) / step)),
  };
}

function gather(context: InferContext): Known[] {
  const type = context.inputs[0]?.type;
  const data = context.dims(0);
  const indices = context.dims(1);
  if (!data || !indices) return [{ type }];
  const axis = axisOf(context.int("axis", 0), data.length);
  const values = context.inputs[0]?.values;
  const picks = context.valuesOf(1);
  return [
    {
      type,
      dims: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)],
      values:
        values && picks && data.length === 1
          ? picks.map((i) => values[i < 0 ? i + values.length : i] ?? null)
          : undefined,
    },
  ];
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
      },
    ];
  },
  Transpose: (context) => {
    const dims = context.dims(0);
    const type = context.inputs[0]?.type;
    const order =
      context.ints("perm") ?? dims?.map((_, i) => dims.length - 1 - i);
    return [{ type, dims: dims && order?.map((i) => dims[i] ?? null) }];
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
  Concat: (context) => {
    const type = context.inputs[0]?.type;
    const all = context.inputs.map((x) => x.dims);
    const first = all.find((d) => d !== undefined);
    if (!first) return [{ type }];
    const axis = axisOf(context.int("axis", 0), first.length);
    const sizes = all.map((d) => d?.[axis]);
    const total = sizes.every((s) => typeof s === "number")
      ? (sizes as number[]).reduce((a, b) => a + b, 0)
      : null;
    const dims = first.map((d, i) =>
      i === axis
        ? total
        : (all.find((s) => typeof s?.[i] === "number")?.[i] ?? d),
    );
    const parts = context.inputs.map((x) => x.values);
    return [
      {
        type,
        dims,
        values:
          first.length === 1 && parts.every((p) => p !== undefined)
            ? parts.flat()
            : undefined,
      },
    ];
  },
  Split: (context) => {
    const { node, inputs } = context;
    const type = inputs[0]?.type;
    const dims = context.dims(0);
    if (!dims) return node.outputs.map(() => ({ type }));
    const axis = axisOf(context.int("axis", 0), dims.length);
    const count = node.outputs.length;
    const length = dims[axis];
    const chunk = isComputed(context, 1)
      ? null
      : typeof length === "number"
        ? Math.ceil(length / count)
        : divide(length ?? null, count);
    const sizes =
      context.valuesOf(1) ??
      node.outputs.map((_, i) =>
        typeof chunk === "number"
          ? Math.min(chunk, (length as number) - i * chunk)
          : chunk,
      );
    return node.outputs.map((_, i) => ({
      type,
      dims: dims.map((d, j) => (j === axis ? (sizes[i] ?? null) : d)),
    }));
  },
  Slice: slice,
  Pad: (context) => {
    const type = context.inputs[0]?.type;
    const dims = context.dims(0);
    const pads = context.ints("pads") ?? context.valuesOf(1);
    if (!dims) return [{ type }];
    const unknown = { type, dims: dims.map(() => null) };
    if (!pads || isComputed(context, 3)) return [unknown];
    const axes =
      context.valuesOf(3)?.map((a) => axisOf(a, dims.length)) ??
      dims.map((_, i) => i);
    const out = [...dims];
    axes.forEach((axis, i) => {
      const more = (pads[i] ?? 0) + (pads[i + axes.length] ?? 0);
      const d = dims[axis] ?? null;
      out[axis] = typeof d === "number" ? d + more : more === 0 ? d : null;
    });
    return [{ type, dims: out }];
  },
  Expand: (context) => {
    const type = context.inputs[0]?.type;
    const target = context.inputs[1]?.values;
    return [{ type, dims: target && broadcast(context.dims(0), target) }];
  },
  Tile: (context) => {
    const dims = context.dims(0);
    const repeats = context.inputs[1]?.values;
    return [
      {
        type: context.inputs[0]?.type,
        dims: dims?.map((d, i) => multiply([d, repeats?.[i] ?? null])),
      },
    ];
  },
  Gather: gather,
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
          element !== undefined && count <= 64
            ? new Array<Dim>(count).fill(element)
            : undefined,
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
        values:
          length <= 64
            ? Array.from({ length }, (_, i) => start + i * delta)
            : undefined,
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
