import { attribute, axisOf, type DataType, windowOf } from "#onnx";
import {
  cannotRun,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  select,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "../kernel.ts";
import { takeAlong } from "../picking.ts";
import { rangeOf } from "../values.ts";
import { convolve, paddedBy } from "./convolution.ts";
import { product } from "./matrix.ts";

type T = TfTensor;

const float = (tf: TensorFlow, x: T): T => tf.cast(x, "float32");

/**
 * A scale or zero point so that it broadcasts with x: one number, one for each element
 * of an axis, or one for each block.
 */
function aligned(c: KernelContext, value: T, x: T): T {
  const { tf, node } = c;
  const rank = x.shape.length;
  const block = attribute(node, "block_size", "int", 0);
  const axis = axisOf(attribute(node, "axis", "int", 1), rank);
  if (block > 0) {
    const length = x.shape[axis] ?? 1;
    const each = Array.from({ length }, (_, i) => Math.floor(i / block));
    return takeAlong(tf, value, axis, each);
  }
  if (value.size === 1) return tf.reshape(value, []);
  return tf.reshape(
    value,
    x.shape.map((_, i) => (i === axis ? -1 : 1)),
  );
}

/** Rounds to even, and passes the gradient straight through. */
const rounded = (tf: TensorFlow, x: T): T =>
  tf.customGrad((v) => ({
    value: tf.round(v as T),
    gradFunc: (dy: T) => tf.clone(dy),
  }))(x);

/** Within the range of an integer type; no slope outside. */
function saturated(c: KernelContext, level: T, type: DataType): T {
  const { tf } = c;
  const limits = rangeOf(type);
  if (!limits) throw cannotRun(c.node, `it quantises to ${type}`);
  const [low, high] = limits;
  const inside = untaped(tf, () =>
    tf.logicalAnd(tf.greaterEqual(level, low), tf.lessEqual(level, high)),
  );
  const edge = untaped(tf, () => tf.clipByValue(level, low, high));
  return select(tf, inside, level, edge);
}

const quantize: Kernel = (c) => {
  const { tf } = c;
  const x = float(tf, input(c, 0));
  const steps = tf.div(x, aligned(c, input(c, 1), x));
  const zero = c.x[2];
  const level = zero
    ? tf.add(rounded(tf, steps), float(tf, aligned(c, zero, x)))
    : rounded(tf, steps);
  return saturated(c, level, c.outTypes[0]!);
};

const dequantize: Kernel = (c) => {
  const { tf } = c;
  const x = float(tf, input(c, 0));
  const zero = c.x[2];
  const centred = zero ? tf.sub(x, float(tf, aligned(c, zero, x))) : x;
  return tf.mul(centred, aligned(c, input(c, 1), x));
};

/**
 * Scale and zero point from the smallest and largest element, through which no
 * gradient passes.
 */
const dynamicQuantize: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const [scale, zero] = untaped(tf, () => {
    const low = tf.minimum(tf.min(x), 0);
    const high = tf.maximum(tf.max(x), 0);
    const step = tf.div(tf.sub(high, low), 255);
    const none = tf.equal(step, 0);
    const safe = select(tf, none, tf.onesLike(step), step);
    return [
      safe,
      tf.clipByValue(tf.round(tf.div(tf.neg(low), safe)), 0, 255),
    ] as const;
  });
  const level = tf.add(rounded(tf, tf.div(x, scale)), zero);
  return [saturated(c, level, "uint8"), scale as T, zero as T];
};

/**
 * An operand with its zero point taken off; one for each row, column or filter
 * stands along an axis.
 */
function centred(
  c: KernelContext,
  index: number,
  zeroIndex: number,
  axis: number,
): T {
  const { tf } = c;
  const x = float(tf, input(c, index));
  const given = c.x[zeroIndex];
  if (!given) return x;
  const zero = float(tf, given);
  if (zero.size === 1) return tf.sub(x, tf.reshape(zero, []));
  const at = axisOf(axis, x.shape.length);
  return tf.sub(
    x,
    tf.reshape(
      zero,
      x.shape.map((_, i) => (i === at ? -1 : 1)),
    ),
  );
}

const convInteger: Kernel = (c) => {
  const { tf, node } = c;
  const [x, w] = [centred(c, 0, 2, 1), centred(c, 1, 3, 0)];
  const window = windowOf(node, x.shape.slice(2), w.shape.slice(2));
  if (window.dilations.some((d) => d !== 1))
    throw cannotRun(node, "its kernel is dilated");
  const groups = attribute(node, "group", "int", 1);
  return convolve(tf, paddedBy(tf, x, window), w, window.strides, groups);
};

export const quantised: KernelTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  MatMulInteger: (c) => product(c, centred(c, 0, 2, -2), centred(c, 1, 3, -1)),
  ConvInteger: convInteger,
};
