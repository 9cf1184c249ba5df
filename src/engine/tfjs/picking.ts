import { sizeOf } from "#onnx";
import type { TensorFlow, TfTensor } from "./kernel.ts";

/**
 * Rows of a matrix by their numbers; several may be the same. Its gradient is
 * stated, since the one that TensorFlow.js has compares every row with every
 * number.
 *
 * @param x [rows, width]
 * @param at the number of each row of the result
 */
export function takeRows(
  tf: TensorFlow,
  x: TfTensor,
  at: readonly number[],
): TfTensor {
  const [rows = 0, width = 1] = x.shape;
  if (at.length === 0) return tf.zeros([0, width], x.dtype as "float32");
  const take = (source: TfTensor) =>
    tf.gather(source, tf.tensor1d([...at], "int32"));
  if (x.dtype !== "float32") return take(x);
  return tf.customGrad((source) => ({
    value: take(source as TfTensor),
    gradFunc: (dy) => scatter(tf, dy, at, rows),
  }))(x);
}

/**
 * The transpose of `takeRows`: a matrix of so many rows, the sum of the given
 * ones where their numbers say.
 */
export function addRows(
  tf: TensorFlow,
  updates: TfTensor,
  at: readonly number[],
  rows: number,
): TfTensor {
  if (at.length === 0)
    return tf.zeros([rows, updates.shape[1] ?? 1], updates.dtype as "float32");
  if (updates.dtype !== "float32") return scatter(tf, updates, at, rows);
  return tf.customGrad((source) => ({
    value: scatter(tf, source as TfTensor, at, rows),
    gradFunc: (dy) => tf.gather(dy, tf.tensor1d([...at], "int32")),
  }))(updates);
}

function scatter(
  tf: TensorFlow,
  updates: TfTensor,
  at: readonly number[],
  rows: number,
): TfTensor {
  const width = updates.shape[1] ?? 1;
  return tf.scatterND(tf.tensor2d([...at], [at.length, 1], "int32"), updates, [
    rows,
    width,
  ]);
}

/** Elements of a tensor by their row-major positions, in a shape. */
export function pick(
  tf: TensorFlow,
  x: TfTensor,
  positions: readonly number[],
  dims: readonly number[],
): TfTensor {
  return tf.reshape(takeRows(tf, tf.reshape(x, [-1, 1]), positions), [...dims]);
}

/**
 * Zeros in a shape, to which every element of `updates` is added at its
 * row-major position.
 */
export function addAt(
  tf: TensorFlow,
  updates: TfTensor,
  positions: readonly number[],
  dims: readonly number[],
): TfTensor {
  const rows = addRows(
    tf,
    tf.reshape(updates, [-1, 1]),
    positions,
    sizeOf(dims),
  );
  return tf.reshape(rows, [...dims]);
}

/** Slices of a tensor along an axis by their numbers. */
export function takeAlong(
  tf: TensorFlow,
  x: TfTensor,
  axis: number,
  at: readonly number[],
): TfTensor {
  const dims = x.shape;
  const outer = sizeOf(dims.slice(0, axis));
  const inner = sizeOf(dims.slice(axis + 1));
  const length = dims[axis] ?? 1;
  const rows: number[] = [];
  for (let o = 0; o < outer; o++) for (const i of at) rows.push(o * length + i);
  const taken = takeRows(tf, tf.reshape(x, [outer * length, inner]), rows);
  return tf.reshape(taken, [
    ...dims.slice(0, axis),
    at.length,
    ...dims.slice(axis + 1),
  ]);
}
