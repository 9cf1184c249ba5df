import { axisOf, broadcast, divide, fixed, multiply } from "../dims.ts";
import type { Dim } from "../graph.ts";
import {
  contentsOf,
  joined,
  places,
  reordered,
  stretched,
  take,
} from "./contents.ts";
import {
  axesOf,
  type InferContext,
  type InferTable,
  isComputed,
  type Known,
} from "./known.ts";

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
  const ranges = axes.map((axis, i) =>
    sliceRange(from[axis] ?? null, starts?.[i], ends?.[i], steps[i]),
  );
  const dims = [...from];
  axes.forEach((axis, i) => {
    const range = ranges[i];
    dims[axis] = range
      ? range.count
      : sliceKeeps(starts?.[i], ends?.[i], steps[i])
        ? (from[axis] ?? null)
        : null;
  });
  let contents = contentsOf(context.inputs[0]);
  axes.forEach((axis, i) => {
    const range = ranges[i];
    const chosen =
      range && places(range.count, (k) => range.start + k * range.step);
    contents = contents && chosen && take(contents, axis, chosen);
  });
  return [{ type, dims, values: contents?.values }];
}

/** A slice of an axis of unknown size that takes all of it. */
function sliceKeeps(start?: number, end?: number, step?: number): boolean {
  return start === 0 && end !== undefined && end >= 2 ** 31 - 1 && step === 1;
}

/**
 * First index, step and count of a Slice along an axis, or undefined when a
 * number is missing.
 */
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
  const contents = contentsOf(context.inputs[0]);
  const chosen = context.valuesOf(1);
  return [
    {
      type,
      dims: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)],
      values: contents && chosen && take(contents, axis, chosen)?.values,
    },
  ];
}

/** Operators that move elements: what is known of them moves along. */
export const movingOps: InferTable = {
  Transpose: (context) => {
    const dims = context.dims(0);
    const type = context.inputs[0]?.type;
    const order =
      context.ints("perm") ?? dims?.map((_, i) => dims.length - 1 - i);
    const contents = contentsOf(context.inputs[0]);
    return [
      {
        type,
        dims: dims && order?.map((i) => dims[i] ?? null),
        values: contents && order && reordered(contents, order).values,
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
    const parts = context.inputs.map(contentsOf);
    const known = parts.every((p) => p !== undefined);
    return [
      { type, dims, values: known ? joined(parts, axis)?.values : undefined },
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
    const contents = contentsOf(inputs[0]);
    let start = 0;
    return node.outputs.map((_, i) => {
      const size = sizes[i];
      const from = start;
      start += typeof size === "number" ? size : Number.NaN;
      const chosen = places(start - from, (k) => from + k);
      return {
        type,
        dims: dims.map((d, j) => (j === axis ? (sizes[i] ?? null) : d)),
        values: contents && chosen && take(contents, axis, chosen)?.values,
      };
    });
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
    const dims = target && broadcast(context.dims(0), target);
    const contents = contentsOf(context.inputs[0]);
    const to = fixed(dims);
    return [
      { type, dims, values: contents && to && stretched(contents, to)?.values },
    ];
  },
  Tile: (context) => {
    const dims = context.dims(0);
    const repeats = context.inputs[1]?.values;
    let contents = contentsOf(context.inputs[0]);
    contents?.dims.forEach((d, axis) => {
      const times = repeats?.[axis];
      const chosen =
        typeof times === "number" ? places(d * times, (i) => i % d) : undefined;
      contents = contents && chosen && take(contents, axis, chosen);
    });
    return [
      {
        type: context.inputs[0]?.type,
        dims: dims?.map((d, i) => multiply([d, repeats?.[i] ?? null])),
        values: contents?.values,
      },
    ];
  },
  Gather: gather,
};
