import { attribute, axisOf } from "#onnx";
import {
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  select,
  stretch,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "../kernel.ts";
import { isWhole, mapWhole } from "../whole.ts";
import { asFloat } from "./elementwise.ts";

type T = TfTensor;

const parameter = (c: KernelContext, name: string, fallback: number) =>
  attribute(c.node, name, "float", fallback);

/** An activation of x. */
const of =
  (f: (tf: TensorFlow, x: T, c: KernelContext) => T): Kernel =>
  (c) =>
    f(c.tf, input(c, 0), c);

/** `above` where x is positive, `below` elsewhere. */
const byside = (tf: TensorFlow, x: T, above: T, below: T) =>
  select(
    tf,
    untaped(tf, () => tf.greater(x, 0)),
    above,
    below,
  );

/**
 * alpha (exp(x) - 1) of what is not positive; of the rest 0, where it would overflow.
 */
const exponential = (tf: TensorFlow, x: T) => tf.expm1(tf.minimum(x, 0));

/** Applies something that works along the last axis along another one. */
export function alongLast(
  tf: TensorFlow,
  x: T,
  axis: number,
  f: (x: T) => T,
): T {
  const rank = x.shape.length;
  const at = axisOf(axis, rank);
  if (at === rank - 1) return f(x);
  const order = range(rank);
  order[at] = rank - 1;
  order[rank - 1] = at;
  return tf.transpose(f(tf.transpose(x, order)), order);
}

/** Bounds that are inclusive, and have a gradient themselves. */
const clip: Kernel = (c) => {
  const { tf } = c;
  const [x, low, high] = [input(c, 0), c.x[1], c.x[2]];
  if (isWhole(c.outTypes[0]) && x.dtype === "int32") {
    const [least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY] =
      [low?.dataSync()[0], high?.dataSync()[0]];
    return mapWhole({ ...c, x: [x] }, (v = 0) =>
      Math.min(Math.max(v, least), most),
    );
  }
  let y = tf.clone(x);
  if (low) {
    const under = untaped(tf, () => tf.less(x, low));
    y = select(tf, under, stretch(tf, low, x.shape), y);
  }
  if (high) {
    const over = untaped(tf, () => tf.greater(x, high));
    y = select(tf, over, stretch(tf, high, x.shape), y);
  }
  return y;
};

function gelu(tf: TensorFlow, x: T, c: KernelContext): T {
  if (attribute(c.node, "approximate", "string", "none") !== "tanh")
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const cube = tf.mul(tf.mul(x, x), x);
  const inner = tf.mul(
    tf.add(x, tf.mul(cube, 0.044715)),
    Math.sqrt(2 / Math.PI),
  );
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** A line between two bends, flat outside; no slope at the bends. */
function hardSigmoid(tf: TensorFlow, x: T, alpha: number, beta: number): T {
  const line = tf.add(tf.mul(x, alpha), beta);
  const inside = untaped(tf, () =>
    tf.logicalAnd(tf.greater(line, 0), tf.less(line, 1)),
  );
  const flat = untaped(tf, () => asFloat(tf, tf.greaterEqual(line, 1)));
  return select(tf, inside, line, flat);
}

/** x (x + 3) / 6 from -3 to 3, both included. */
function hardSwish(tf: TensorFlow, x: T): T {
  const inside = untaped(tf, () =>
    tf.logicalAnd(tf.greaterEqual(x, -3), tf.lessEqual(x, 3)),
  );
  const bent = tf.mul(x, tf.add(tf.mul(x, 1 / 6), 0.5));
  const above = untaped(tf, () => tf.greater(x, 3));
  return select(tf, inside, bent, select(tf, above, x, tf.zerosLike(x)));
}

function hardmax(tf: TensorFlow, x: T, axis: number): T {
  return alongLast(tf, x, axis, (last) =>
    asFloat(tf, tf.oneHot(tf.argMax(last, -1), last.shape.at(-1) ?? 1)),
  );
}

export const activations: KernelTable = {
  Relu: of((tf, x) => tf.relu(x)),
  LeakyRelu: of((tf, x, c) => {
    const below = tf.mul(x, parameter(c, "alpha", 0.01));
    return byside(tf, x, x, below);
  }),
  PRelu: (c) => {
    const { tf } = c;
    const [x, slope] = [input(c, 0), input(c, 1)];
    return byside(tf, x, x, tf.mul(x, slope));
  },
  Sigmoid: of((tf, x) => tf.sigmoid(x)),
  Tanh: of((tf, x) => tf.tanh(x)),
  Softplus: of((tf, x) => tf.softplus(x)),
  Softsign: of((tf, x) => {
    const positive = untaped(tf, () => tf.sign(x));
    return tf.div(x, tf.add(tf.mul(x, positive), 1));
  }),
  Mish: of((tf, x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  Elu: of((tf, x, c) =>
    byside(tf, x, x, tf.mul(exponential(tf, x), parameter(c, "alpha", 1))),
  ),
  Celu: of((tf, x, c) => {
    const alpha = parameter(c, "alpha", 1);
    return byside(tf, x, x, tf.mul(exponential(tf, tf.div(x, alpha)), alpha));
  }),
  Selu: of((tf, x, c) => {
    const alpha = parameter(c, "alpha", 1.6732632423543772);
    const gamma = parameter(c, "gamma", 1.0507009873554805);
    return byside(
      tf,
      x,
      tf.mul(x, gamma),
      tf.mul(exponential(tf, x), alpha * gamma),
    );
  }),
  Gelu: of(gelu),
  HardSigmoid: of((tf, x, c) =>
    hardSigmoid(tf, x, parameter(c, "alpha", 0.2), parameter(c, "beta", 0.5)),
  ),
  HardSwish: of(hardSwish),
  ThresholdedRelu: of((tf, x, c) => {
    const past = untaped(tf, () => tf.greater(x, parameter(c, "alpha", 1)));
    return select(tf, past, x, tf.zerosLike(x));
  }),
  Shrink: of((tf, x, c) => {
    const threshold = parameter(c, "lambd", 0.5);
    const bias = parameter(c, "bias", 0);
    const [above, below] = untaped(tf, () => [
      tf.greater(x, threshold),
      tf.less(x, -threshold),
    ]) as [T, T];
    const inner = select(tf, above, tf.sub(x, bias), tf.zerosLike(x));
    // With a negative threshold both may be.
    return select(tf, below, tf.add(x, bias), inner);
  }),
  Clip: clip,
  Softmax: of((tf, x, c) =>
    alongLast(tf, x, attribute(c.node, "axis", "int", -1), (last) =>
      tf.softmax(last),
    ),
  ),
  LogSoftmax: of((tf, x, c) =>
    alongLast(tf, x, attribute(c.node, "axis", "int", -1), (last) =>
      tf.logSoftmax(last),
    ),
  ),
  Hardmax: of((tf, x, c) =>
    hardmax(tf, x, attribute(c.node, "axis", "int", -1)),
  ),
};
