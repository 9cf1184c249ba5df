import { attribute, axisOf, sizeOf } from "#onnx";
import {
  cannotRun,
  contents,
  coordinates,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  select,
  stretch,
  stridesOf,
  type TensorFlow,
  type TfTensor,
} from "../kernel.ts";
import { pick, takeAlong } from "../picking.ts";
import { linesAlong, wholeOutput } from "../whole.ts";

/** An index into an axis, counted from the front. Throws ENGINE_RUN outside of it. */
export function indexInto(
  c: KernelContext,
  index: number,
  length: number,
): number {
  const at = axisOf(index, length);
  if (at >= 0 && at < length) return at;
  throw cannotRun(c.node, `index ${index} is outside an axis of ${length}`);
}

const gather: Kernel = (c) => {
  const [x, indices] = [input(c, 0), input(c, 1)];
  const axis = axisOf(attribute(c.node, "axis", "int", 0), x.shape.length);
  const length = x.shape[axis] ?? 1;
  const at = Array.from(indices.dataSync(), (i) => indexInto(c, i, length));
  const taken = takeAlong(c.tf, x, axis, at);
  return c.tf.reshape(taken, [
    ...x.shape.slice(0, axis),
    ...indices.shape,
    ...x.shape.slice(axis + 1),
  ]);
};

/**
 * The row-major position in `dims` that each element of an index tensor
 * names along an axis.
 */
export function positionsAlong(
  c: KernelContext,
  indices: TfTensor,
  dims: readonly number[],
  axis: number,
): number[] {
  const own = stridesOf(indices.shape);
  const strides = stridesOf(dims);
  return Array.from(indices.dataSync(), (index, i) =>
    coordinates(i, own).reduce(
      (sum, place, k) =>
        sum +
        strides[k]! *
          (k === axis ? indexInto(c, index, dims[axis] ?? 1) : place),
      0,
    ),
  );
}

const gatherElements: Kernel = (c) => {
  const [x, indices] = [input(c, 0), input(c, 1)];
  const axis = axisOf(attribute(c.node, "axis", "int", 0), x.shape.length);
  return pick(
    c.tf,
    x,
    positionsAlong(c, indices, x.shape, axis),
    indices.shape,
  );
};

/** Where the blocks that index tuples name begin in `dims`, and how long each is. */
export function blocksOf(
  c: KernelContext,
  indices: TfTensor,
  dims: readonly number[],
  lead: number,
): { starts: number[]; length: number } {
  const depth = indices.shape.at(-1) ?? 1;
  const values = indices.dataSync();
  const strides = stridesOf(dims);
  const outer = stridesOf(dims.slice(0, lead));
  const perBatch = sizeOf(indices.shape.slice(lead, -1));
  const starts = range(sizeOf(indices.shape.slice(0, -1))).map((t) => {
    const batch = coordinates(Math.floor(t / perBatch), outer);
    const base = batch.reduce((s, p, k) => s + p * strides[k]!, 0);
    return range(depth).reduce(
      (sum, k) =>
        sum +
        strides[lead + k]! *
          indexInto(c, values[t * depth + k]!, dims[lead + k] ?? 1),
      base,
    );
  });
  return { starts, length: sizeOf(dims.slice(lead + depth)) };
}

/** The positions of every element of blocks. */
export const within = (starts: readonly number[], length: number) =>
  starts.flatMap((start) => range(length, start));

const gatherND: Kernel = (c) => {
  const [x, indices] = [input(c, 0), input(c, 1)];
  const lead = attribute(c.node, "batch_dims", "int", 0);
  const { starts, length } = blocksOf(c, indices, x.shape, lead);
  const depth = indices.shape.at(-1) ?? 1;
  return pick(c.tf, x, within(starts, length), [
    ...indices.shape.slice(0, -1),
    ...x.shape.slice(lead + depth),
  ]);
};

/** Values and places, largest or smallest first; of equal ones the first. */
const topK: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const axis = axisOf(attribute(node, "axis", "int", -1), x.shape.length);
  const sign = attribute(node, "largest", "int", 1) === 1 ? -1 : 1;
  const k = contents(c, 1)?.[0] ?? 1;
  const data = x.dataSync();
  const dims = x.shape.map((d, i) => (i === axis ? k : d));
  const positions = new Array<number>(sizeOf(dims));
  const places = new Array<number>(sizeOf(dims));
  const targets = linesAlong(dims, axis);
  linesAlong(x.shape, axis).forEach((line, l) => {
    const order = range(line.positions.length).sort((p, q) => {
      const [a, b] = [p, q].map((i) => data[line.positions[i] ?? 0] ?? 0);
      return sign * ((a as number) - (b as number)) || p - q;
    });
    targets[l]?.positions.forEach((to, i) => {
      places[to] = order[i]!;
      positions[to] = line.positions[order[i]!]!;
    });
  });
  return [
    pick(tf, x, positions, dims),
    tf.tensor(Int32Array.from(places), dims, "int32"),
  ];
};

const nonZero: Kernel = (c) => {
  const x = input(c, 0);
  const strides = stridesOf(x.shape);
  const found = Array.from(x.dataSync()).flatMap((v, i) =>
    v !== 0 ? [coordinates(i, strides)] : [],
  );
  const rank = Math.max(1, x.shape.length);
  return wholeOutput(
    c,
    range(rank).flatMap((axis) => found.map((place) => place[axis] ?? 0)),
    [rank, found.length],
  );
};

const compress: Kernel = (c) => {
  const x = input(c, 0);
  const kept = (contents(c, 1) ?? []).flatMap((v, i) => (v ? [i] : []));
  const axis = attribute(c.node, "axis", "int", undefined);
  return axis === undefined
    ? pick(c.tf, x, kept, [kept.length])
    : takeAlong(c.tf, x, axisOf(axis, x.shape.length), kept);
};

/**
 * Different elements, or slices of an axis: by the first place at which each occurs.
 */
const unique: Kernel = (c) => {
  const { tf, node } = c;
  const axis = attribute(node, "axis", "int", undefined);
  const x = axis === undefined ? tf.reshape(input(c, 0), [-1]) : input(c, 0);
  const at = axisOf(axis ?? 0, x.shape.length);
  const length = x.shape[at] ?? 1;
  const data = x.dataSync();
  const inner = stridesOf(x.shape)[at] ?? 1;
  const slices = range(length).map((i) =>
    Array.from(data).filter((_, p) => Math.floor(p / inner) % length === i),
  );
  const keys = slices.map((s) => s.join());
  const first = range(length).filter((i) => keys.indexOf(keys[i] ?? "") === i);
  if (attribute(node, "sorted", "int", 1) === 1)
    first.sort((p, q) => lexical(slices[p] ?? [], slices[q] ?? []));
  const inverse = keys.map((key) => first.findIndex((i) => keys[i] === key));
  const counts = first.map((i) => keys.filter((k) => k === keys[i]).length);
  const ints = (values: number[]) =>
    tf.tensor1d(Int32Array.from(values), "int32");
  return [
    takeAlong(tf, x, at, first),
    ints(first),
    ints(inverse),
    ints(counts),
  ];
};

function lexical(p: readonly number[], q: readonly number[]): number {
  const at = p.findIndex((v, i) => v !== q[i]);
  return at < 0 ? 0 : p[at]! - q[at]!;
}

/** Off and on values, which have a gradient, by a mask. */
const oneHot: Kernel = (c) => {
  const { tf } = c;
  const indices = input(c, 0);
  const depth = contents(c, 1)?.[0] ?? 1;
  const rank = indices.shape.length + 1;
  const axis = axisOf(attribute(c.node, "axis", "int", -1), rank);
  const dims = indices.shape.toSpliced(axis, 0, depth);
  const strides = stridesOf(dims);
  const values = indices.dataSync();
  const own = stridesOf(indices.shape);
  const positions = range(sizeOf(dims)).map((i) => {
    const place = coordinates(i, strides);
    const hot = place.splice(axis, 1)[0];
    const at = place.reduce((s, p, k) => s + p * own[k]!, 0);
    return Number(axisOf(values[at] ?? 0, depth) === hot);
  });
  return pick(tf, input(c, 2), positions, dims);
};

const reverseSequence: Kernel = (c) => {
  const x = input(c, 0);
  const lengths = contents(c, 1) ?? [];
  const time = attribute(c.node, "time_axis", "int", 0);
  const batch = attribute(c.node, "batch_axis", "int", 1);
  const strides = stridesOf(x.shape);
  const positions = range(x.size).map((i) => {
    const place = coordinates(i, strides);
    const [t = 0, length = 0] = [place[time], lengths[place[batch] ?? 0]];
    return t < length ? i + (length - 1 - 2 * t) * strides[time]! : i;
  });
  return pick(c.tf, x, positions, x.shape);
};

/** A triangle, which keeps the diagonal `k` and what is above or below it. */
const trilu: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const k = contents(c, 1)?.[0] ?? 0;
  const upper = attribute(node, "upper", "int", 1) === 1;
  const [rows = 1, columns = 1] = x.shape.slice(-2);
  const mask = range(rows * columns).map((i) => {
    const d = (i % columns) - Math.floor(i / columns);
    return Number(upper ? d >= k : d <= k);
  });
  return masked(tf, x, tf.tensor2d(mask, [rows, columns], "bool"));
};

const masked = (tf: TensorFlow, x: TfTensor, mask: TfTensor) =>
  tf.cast(
    select(
      tf,
      stretch(tf, mask, x.shape),
      x.dtype === "bool" ? tf.cast(x, "int32") : x,
      tf.zerosLike(x.dtype === "bool" ? tf.cast(x, "int32") : x),
    ),
    x.dtype,
  );

export const indexing: KernelTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  TopK: topK,
  NonZero: nonZero,
  Compress: compress,
  Unique: unique,
  OneHot: oneHot,
  ReverseSequence: reverseSequence,
  Trilu: trilu,
};
