import { attribute, axisOf } from "#onnx";
import {
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  partsOf,
  range,
  select,
  statedAxes,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "../kernel.ts";
import { isWhole, reduceWhole } from "../whole.ts";
import { asFloat } from "./elementwise.ts";

type T = TfTensor;

/** A reduction of floats over axes that are kept as 1. */
type Over = (tf: TensorFlow, x: T, axes: number[]) => T;

/** A reduction by its formula for floats, and the one for integers where it has one. */
function reduction(over: Over, whole?: (values: number[]) => number): Kernel {
  return (c) => {
    const x = input(c, 0);
    const rank = x.shape.length;
    const stated = statedAxes(c, 1, rank);
    const keep = attribute(c.node, "keepdims", "int", 1) === 1;
    const noop = attribute(c.node, "noop_with_empty_axes", "int", 0) === 1;
    const axes = stated?.length ? stated : noop ? [] : range(rank);
    if (whole && isWhole(c.outTypes[0]) && x.dtype === "int32")
      return reduceWhole(c, axes, keep, whole);
    if (axes.length === 0 && noop) return c.tf.clone(x);
    return dropped(c, over(c.tf, x, axes), axes, keep);
  };
}

const dropped = (c: KernelContext, y: T, axes: number[], keep: boolean): T =>
  keep
    ? y
    : c.tf.reshape(
        y,
        y.shape.filter((_, i) => !axes.includes(i)),
      );

const sum: Over = (tf, x, axes) => tf.sum(x, axes, true);

/**
 * The largest or smallest. Ties share the gradient evenly, where each
 * would get it whole.
 */
const extremum =
  (best: Over): Over =>
  (tf, x, axes) => {
    const y = untaped(tf, () => best(tf, x, axes));
    const hit = untaped(tf, () => tf.equal(x, y));
    const count = untaped(tf, () => sum(tf, asFloat(tf, hit), axes));
    const total = sum(tf, select(tf, hit, x, tf.zerosLike(x)), axes);
    // Where NaN wins nothing equals it.
    return select(
      tf,
      tf.greater(count, 0),
      tf.div(total, tf.maximum(count, 1)),
      y,
    );
  };

export const maximumOver = extremum((tf, x, axes) => tf.max(x, axes, true));

/** A product by products, whose gradient is right at zeros too. */
const product: Over = (tf, x, axes) =>
  axes.reduce((y, axis) => {
    const parts = partsOf(tf, y, y.shape[axis] ?? 1, axis);
    return parts.reduce((p, q) => tf.mul(p, q));
  }, x);

/** The sum of |x|; no slope at 0. */
const l1: Over = (tf, x, axes) =>
  sum(
    tf,
    tf.mul(
      x,
      untaped(tf, () => tf.sign(x)),
    ),
    axes,
  );

/** The root of the sum of squares; at the origin no slope. */
const l2: Over = (tf, x, axes) => {
  const squares = sum(tf, tf.square(x), axes);
  const origin = untaped(tf, () => tf.equal(squares, 0));
  const root = tf.sqrt(select(tf, origin, tf.onesLike(squares), squares));
  return select(tf, origin, tf.zerosLike(root), root);
};

const logSumExp: Over = (tf, x, axes) => {
  const top = untaped(tf, () => {
    const most = tf.max(x, axes, true);
    return select(tf, tf.isFinite(most), most, tf.zerosLike(most));
  });
  return tf.add(tf.log(sum(tf, tf.exp(tf.sub(x, top)), axes)), top);
};

/** The place of the largest or smallest along an axis, the first of several. */
const place =
  (sign: 1 | -1): Kernel =>
  (c) => {
    const { tf, node } = c;
    const given = input(c, 0);
    // Large integers are not the same as floats.
    const x =
      given.dtype === "int32"
        ? tf.mul(given, tf.scalar(sign, "int32"))
        : tf.mul(tf.cast(given, "float32"), sign);
    const axis = axisOf(attribute(node, "axis", "int", 0), x.shape.length);
    const last = attribute(node, "select_last_index", "int", 0) === 1;
    const length = x.shape[axis] ?? 1;
    const found = last
      ? tf.sub(
          tf.scalar(length - 1, "int32"),
          tf.argMax(tf.reverse(x, axis), axis),
        )
      : tf.argMax(x, axis);
    return attribute(node, "keepdims", "int", 1) === 1
      ? tf.expandDims(found, axis)
      : found;
  };

const total = (values: number[]) => values.reduce((s, v) => s + v, 0);

export const reductions: KernelTable = {
  ReduceSum: reduction(sum, total),
  ReduceMean: reduction(
    (tf, x, axes) => tf.mean(x, axes, true),
    (values) => Math.trunc(total(values) / values.length),
  ),
  ReduceProd: reduction(product, (values) => values.reduce((p, v) => p * v, 1)),
  ReduceMax: reduction(maximumOver, (values) => Math.max(...values)),
  ReduceMin: reduction(
    extremum((tf, x, axes) => tf.min(x, axes, true)),
    (values) => Math.min(...values),
  ),
  ReduceSumSquare: reduction(
    (tf, x, axes) => sum(tf, tf.square(x), axes),
    (values) => total(values.map((v) => v * v)),
  ),
  ReduceL1: reduction(l1, (values) => total(values.map(Math.abs))),
  ReduceL2: reduction(l2),
  ReduceLogSum: reduction((tf, x, axes) => tf.log(sum(tf, x, axes))),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: place(1),
  ArgMin: place(-1),
};
