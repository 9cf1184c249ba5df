import { attribute, axisOf, sizeOf, sliceRange } from "#onnx";
import {
  cannotRun,
  contents,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  partsOf,
  range,
  statedAxes,
  stretch,
  type TfTensor,
} from "../kernel.ts";
import { takeAlong } from "../picking.ts";
import { toTf } from "../values.ts";
import { broadcastShape, wholeOutput } from "../whole.ts";

type T = TfTensor;

const INT32_MAX = 2 ** 31 - 1;

const reshape: Kernel = (c) => {
  const x = input(c, 0);
  const zeroIsZero = attribute(c.node, "allowzero", "int", 0) === 1;
  const target = (contents(c, 1) ?? []).map((d, i) =>
    d === 0 && !zeroIsZero ? (x.shape[i] ?? 0) : d,
  );
  const known = sizeOf(target.filter((d) => d !== -1));
  const dims = target.map((d) =>
    d === -1 ? (known === 0 ? 0 : x.size / known) : d,
  );
  if (sizeOf(dims) !== x.size || !dims.every(Number.isInteger))
    throw cannotRun(
      c.node,
      `[${x.shape.join(", ")}] does not fit into [${target.join(", ")}]`,
    );
  return c.tf.reshape(x, dims);
};

const flatten: Kernel = (c) => {
  const x = input(c, 0);
  const rank = x.shape.length;
  const axis = axisOf(attribute(c.node, "axis", "int", 1), rank);
  return c.tf.reshape(x, [
    sizeOf(x.shape.slice(0, axis)),
    sizeOf(x.shape.slice(axis)),
  ]);
};

const squeeze: Kernel = (c) => {
  const x = input(c, 0);
  const axes = statedAxes(c, 1, x.shape.length);
  return c.tf.reshape(
    x,
    x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
  );
};

const unsqueeze: Kernel = (c) => {
  const x = input(c, 0);
  const count = (contents(c, 1) ?? []).length;
  const axes = statedAxes(c, 1, x.shape.length + count) ?? [];
  const rest = [...x.shape];
  return c.tf.reshape(
    x,
    range(x.shape.length + count).map((i) =>
      axes.includes(i) ? 1 : (rest.shift() ?? 1),
    ),
  );
};

const transpose: Kernel = (c) => {
  const x = input(c, 0);
  const order =
    attribute(c.node, "perm", "ints", undefined) ??
    range(x.shape.length).reverse();
  return x.shape.length < 2 ? c.tf.clone(x) : c.tf.transpose(x, [...order]);
};

const concat: Kernel = (c) => {
  const parts = c.x.filter((x) => x !== undefined);
  const axis = axisOf(
    attribute(c.node, "axis", "int", 0),
    parts[0]?.shape.length ?? 1,
  );
  return c.tf.concat(parts, axis);
};

const split: Kernel = (c) => {
  const x = input(c, 0);
  const axis = axisOf(attribute(c.node, "axis", "int", 0), x.shape.length);
  const length = x.shape[axis] ?? 1;
  const parts = attribute(c.node, "num_outputs", "int", c.node.outputs.length);
  const each = Math.ceil(length / parts);
  const sizes =
    contents(c, 1) ??
    range(parts).map((i) => Math.min(each, length - i * each));
  return partsOf(c.tf, x, sizes, axis);
};

const slice: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const starts = contents(c, 1) ?? [];
  const ends = contents(c, 2) ?? [];
  const axes = (contents(c, 3) ?? starts.map((_, i) => i)).map((a) =>
    axisOf(a, x.shape.length),
  );
  const steps = contents(c, 4) ?? axes.map(() => 1);
  return axes.reduce((y, axis, i) => {
    const length = y.shape[axis] ?? 0;
    const found = sliceRange(
      length,
      starts[i],
      // What was clamped to 32 bits means the end.
      ends[i] === INT32_MAX ? INT32_MAX : ends[i],
      steps[i],
    );
    if (!found) throw cannotRun(c.node, "its bounds are not complete");
    const { start, step, count } = found;
    if (step === 1) {
      const begin = y.shape.map((_, k) => (k === axis ? start : 0));
      const size = y.shape.map((d, k) => (k === axis ? count : d));
      return tf.slice(y, begin, size);
    }
    return takeAlong(
      tf,
      y,
      axis,
      range(count).map((k) => start + k * step),
    );
  }, tf.clone(x));
};

const expand: Kernel = (c) => {
  const x = input(c, 0);
  const dims = broadcastShape(c, x.shape, contents(c, 1) ?? []);
  return stretch(c.tf, x, dims);
};

const tile: Kernel = (c) => {
  const x = input(c, 0);
  // The gradient that TensorFlow.js has ends at four axes.
  return (contents(c, 1) ?? []).reduce<T>((y, times, axis) => {
    const parts = new Array<T>(times).fill(y);
    return times === 1 ? y : c.tf.concat(parts, axis);
  }, c.tf.clone(x));
};

const shape: Kernel = (c) => {
  const { shape: dims } = input(c, 0);
  const rank = dims.length;
  const start = attribute(c.node, "start", "int", 0);
  const end = attribute(c.node, "end", "int", rank);
  const values = dims.slice(
    Math.max(0, axisOf(start, rank)),
    Math.min(rank, axisOf(end, rank)),
  );
  return wholeOutput(c, values, [values.length]);
};

const constantOfShape: Kernel = (c) => {
  const { tf, node } = c;
  const dims = contents(c, 0) ?? [];
  const value = attribute(node, "value", "tensor", undefined);
  return value
    ? stretch(tf, tf.reshape(toTf(tf, value, node.outputs[0] ?? ""), []), dims)
    : tf.zeros(dims);
};

/** Start, limit and step are scalars of one type. */
const rangeOf: Kernel = (c) => {
  const [start = 0, limit = 0, step = 1] = [0, 1, 2].map(
    (i) => contents(c, i)?.[0],
  );
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const values = range(count).map((i) => start + i * step);
  return c.outTypes[0] === "float32"
    ? c.tf.tensor1d(values, "float32")
    : wholeOutput(c, values, [count]);
};

/** Pixels of a block into channels, block first. */
const spaceToDepth: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const size = attribute(node, "blocksize", "int", 1);
  const [n = 1, channels = 1, height = 1, width = 1] = x.shape;
  const [h, w] = [height / size, width / size];
  const apart = tf.reshape(x, [n, channels, h, size, w, size]);
  return tf.reshape(tf.transpose(apart, [0, 3, 5, 1, 2, 4]), [
    n,
    channels * size ** 2,
    h,
    w,
  ]);
};

const depthToSpace: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const size = attribute(node, "blocksize", "int", 1);
  const [n = 1, channels = 1, h = 1, w = 1] = x.shape;
  const kept = channels / size ** 2;
  const blockFirst = attribute(node, "mode", "string", "DCR") === "DCR";
  const moved = blockFirst
    ? tf.transpose(
        tf.reshape(x, [n, size, size, kept, h, w]),
        [0, 3, 4, 1, 5, 2],
      )
    : tf.transpose(
        tf.reshape(x, [n, kept, size, size, h, w]),
        [0, 1, 4, 2, 5, 3],
      );
  return tf.reshape(moved, [n, kept, h * size, w * size]);
};

const eyeLike: Kernel = (c) => {
  const [rows = 1, columns = 1] = input(c, 0).shape;
  const k = attribute(c.node, "k", "int", 0);
  const values = range(rows * columns).map((i) =>
    Number((i % columns) - Math.floor(i / columns) === k),
  );
  return c.outTypes[0] === "float32"
    ? c.tf.tensor2d(values, [rows, columns])
    : wholeOutput(c, values, [rows, columns]);
};

export const shaping: KernelTable = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Shape: shape,
  Size: (c: KernelContext) => wholeOutput(c, [input(c, 0).size], []),
  ConstantOfShape: constantOfShape,
  Range: rangeOf,
  SpaceToDepth: spaceToDepth,
  DepthToSpace: depthToSpace,
  EyeLike: eyeLike,
};
