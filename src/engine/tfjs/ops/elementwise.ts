import { attribute, castTypes, type DataType } from "#onnx";
import {
  cannotRun,
  contents,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  select,
  stretch,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "../kernel.ts";
import { heldAs, rangeOf } from "../values.ts";
import { isWhole, mapWhole } from "../whole.ts";

type T = TfTensor;

/** One formula for floats, by the tape, and one for integers. */
const arithmetic =
  (
    float: (tf: TensorFlow, x: T, y: T) => T,
    whole: (x: number, y: number) => number,
  ): Kernel =>
  (c) =>
    isWhole(c.outTypes[0])
      ? mapWhole(c, whole as (...values: number[]) => number)
      : float(c.tf, input(c, 0), input(c, 1));

const unary =
  (
    float: (tf: TensorFlow, x: T, c: KernelContext) => T,
    whole?: (x: number) => number,
  ): Kernel =>
  (c) =>
    whole && isWhole(c.outTypes[0])
      ? mapWhole(c, whole as (...values: number[]) => number)
      : float(c.tf, input(c, 0), c);

const compare =
  (f: (tf: TensorFlow, x: T, y: T) => T): Kernel =>
  (c) =>
    f(c.tf, input(c, 0), input(c, 1));

/** A condition as 0 and 1. */
export const asFloat = (tf: TensorFlow, condition: T) =>
  tf.cast(condition, "float32");

/**
 * The largest or smallest of several. Ties share the gradient evenly, where that of
 * TensorFlow.js goes to the first, or to each as a whole.
 */
export function sharedExtremum(
  tf: TensorFlow,
  parts: readonly T[],
  best: (x: T, y: T) => T,
): T {
  const y = untaped(tf, () => parts.reduce(best));
  const hits = untaped(tf, () =>
    parts.map((x) => stretch(tf, tf.equal(x, y), y.shape)),
  );
  const count = untaped(tf, () =>
    hits.map((h) => asFloat(tf, h)).reduce((p, q) => tf.add(p, q)),
  );
  const zeros = tf.zerosLike(y);
  const sum = parts
    .map((x, i) => select(tf, hits[i]!, stretch(tf, x, y.shape), zeros))
    .reduce((p, q) => tf.add(p, q));
  // Where all is NaN nothing equals y.
  const mean = tf.div(sum, tf.maximum(count, 1));
  return select(tf, tf.greater(count, 0), mean, y);
}

const extremum =
  (
    best: (tf: TensorFlow, x: T, y: T) => T,
    whole: (...values: number[]) => number,
  ): Kernel =>
  (c) =>
    isWhole(c.outTypes[0])
      ? mapWhole(c, whole)
      : sharedExtremum(
          c.tf,
          c.x.filter((x) => x !== undefined),
          (x, y) => best(c.tf, x, y),
        );

/** The remainder with the sign of x (fmod), or with that of the divisor. */
const mod: Kernel = (c) => {
  const { tf, node } = c;
  const like = attribute(node, "fmod", "int", 0) === 1;
  if (isWhole(c.outTypes[0]))
    return mapWhole(c, (x = 0, d = 1) => (like ? x % d : ((x % d) + d) % d));
  const [x, d] = [input(c, 0), input(c, 1)];
  // A quotient that was rounded up to a whole number leaves a wrong remainder.
  const times = untaped(tf, () => {
    const near = tf.round(tf.div(x, d));
    const rest = tf.sub(x, tf.mul(near, d));
    const past = tf.less(tf.mul(tf.sign(rest), tf.sign(x)), 0);
    const back = tf.mul(tf.sign(x), tf.sign(d));
    return tf.sub(near, tf.mul(asFloat(tf, past), back));
  });
  return tf.sub(x, tf.mul(times, d));
};

/** x^e; for whole exponents that every element shares, by what has a gradient at 0. */
const pow: Kernel = (c) => {
  const { tf } = c;
  if (isWhole(c.outTypes[0])) return mapWhole(c, (x = 0, e = 0) => x ** e);
  const x = input(c, 0);
  const power = tf.cast(input(c, 1), "float32");
  const e = power.size === 1 ? power.dataSync()[0] : undefined;
  if (e === 2) return withShape(tf, tf.square(x), power);
  if (e === 0.5) return withShape(tf, tf.sqrt(x), power);
  if (e === 1) return withShape(tf, tf.clone(x), power);
  // Its own gradient at 0^0 is 0 times infinity. The slope is 0.
  const none = untaped(tf, () => tf.equal(power, 0));
  const safe = select(tf, none, tf.onesLike(x), x);
  return tf.pow(safe, power);
};

const withShape = (tf: TensorFlow, x: T, other: T) =>
  other.shape.length > x.shape.length
    ? tf.reshape(x, [
        ...new Array<number>(other.shape.length - x.shape.length).fill(1),
        ...x.shape,
      ])
    : x;

/** |x| by its sign, whose slope at 0 is 0; that of TensorFlow.js is -1. */
const abs = (tf: TensorFlow, x: T) =>
  tf.mul(
    x,
    untaped(tf, () => tf.sign(x)),
  );

function cast(c: KernelContext, to: DataType): T {
  const { tf } = c;
  const x = input(c, 0);
  const from = c.inTypes[0]!;
  const dtype = heldAs(to);
  if (!dtype) throw cannotRun(c.node, `it makes a ${to}`);
  if (to === "bool") return tf.notEqual(tf.cast(x, "float32"), 0);
  if (to === "float32") return tf.cast(x, "float32");
  if (from === "float32" || from === "float64")
    return mapWhole(c, (v = 0) => Math.trunc(v));
  // Quantised integers stay floats, so that they keep their gradient.
  if (x.dtype === "float32" && rangeOf(to)) return tf.clone(x);
  return tf.cast(x, dtype);
}

export const elementwise: KernelTable = {
  Add: arithmetic(
    (tf, x, y) => tf.add(x, y),
    (x, y) => x + y,
  ),
  Sub: arithmetic(
    (tf, x, y) => tf.sub(x, y),
    (x, y) => x - y,
  ),
  Mul: arithmetic(
    (tf, x, y) => tf.mul(x, y),
    (x, y) => x * y,
  ),
  Div: arithmetic(
    (tf, x, y) => tf.div(x, y),
    (x, y) => Math.trunc(x / y),
  ),
  Mod: mod,
  Pow: pow,
  Sum: (c) =>
    isWhole(c.outTypes[0])
      ? mapWhole(c, (...values) => values.reduce((x, y) => x + y, 0))
      : c.x.filter((x) => x !== undefined).reduce((x, y) => c.tf.add(x, y)),
  Mean: (c) => {
    const parts = c.x.filter((x) => x !== undefined);
    return c.tf.div(
      parts.reduce((x, y) => c.tf.add(x, y)),
      parts.length,
    );
  },
  Min: extremum((tf, x, y) => tf.minimum(x, y), Math.min),
  Max: extremum((tf, x, y) => tf.maximum(x, y), Math.max),
  Neg: unary(
    (tf, x) => tf.neg(x),
    (x) => -x,
  ),
  Abs: unary(abs, Math.abs),
  Sign: unary((tf, x) => tf.sign(x), Math.sign),
  Exp: unary((tf, x) => tf.exp(x)),
  Log: unary((tf, x) => tf.log(x)),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Reciprocal: unary((tf, x) => tf.reciprocal(x)),
  Erf: unary((tf, x) => tf.erf(x)),
  Floor: unary((tf, x) => tf.floor(x)),
  Ceil: unary((tf, x) => tf.ceil(x)),
  Round: unary((tf, x) => tf.round(x)),
  Identity: (c) => c.tf.clone(input(c, 0)),
  Sin: unary((tf, x) => tf.sin(x)),
  Cos: unary((tf, x) => tf.cos(x)),
  Tan: unary((tf, x) => tf.tan(x)),
  Asin: unary((tf, x) => tf.asin(x)),
  Acos: unary((tf, x) => tf.acos(x)),
  Atan: unary((tf, x) => tf.atan(x)),
  Sinh: unary((tf, x) => tf.sinh(x)),
  Cosh: unary((tf, x) => tf.cosh(x)),
  Asinh: unary((tf, x) => tf.asinh(x)),
  Acosh: unary((tf, x) => tf.acosh(x)),
  Atanh: unary((tf, x) => tf.atanh(x)),
  Equal: compare((tf, x, y) => tf.equal(x, y)),
  Greater: compare((tf, x, y) => tf.greater(x, y)),
  GreaterOrEqual: compare((tf, x, y) => tf.greaterEqual(x, y)),
  Less: compare((tf, x, y) => tf.less(x, y)),
  LessOrEqual: compare((tf, x, y) => tf.lessEqual(x, y)),
  And: compare((tf, x, y) => tf.logicalAnd(x, y)),
  Or: compare((tf, x, y) => tf.logicalOr(x, y)),
  Xor: compare((tf, x, y) => tf.logicalXor(x, y)),
  Not: (c) => c.tf.logicalNot(input(c, 0)),
  IsNaN: (c) => c.tf.isNaN(input(c, 0)),
  IsInf: (c) => {
    const { tf, node } = c;
    const x = input(c, 0);
    const sides = [
      [attribute(node, "detect_positive", "int", 1), Number.POSITIVE_INFINITY],
      [attribute(node, "detect_negative", "int", 1), Number.NEGATIVE_INFINITY],
    ] as const;
    return sides
      .map(([wanted, bound]) =>
        wanted ? tf.equal(x, bound) : tf.zerosLike(tf.equal(x, x)),
      )
      .reduce((p, q) => tf.logicalOr(p, q));
  },
  Where: (c) => {
    const { tf } = c;
    const [condition, x, y] = [input(c, 0), input(c, 1), input(c, 2)];
    return x.dtype === "bool"
      ? tf.cast(
          select(tf, condition, tf.cast(x, "int32"), tf.cast(y, "int32")),
          "bool",
        )
      : select(tf, condition, x, y);
  },
  Cast: (c) => {
    const code = attribute(c.node, "to", "int", 1);
    return cast(c, castTypes[code]!);
  },
  CastLike: (c) => cast(c, c.inTypes[1]!),
  Dropout: (c) => {
    const training = contents(c, 2)?.[0] ?? 0;
    if (training) throw cannotRun(c.node, "it is in training mode");
    const x = input(c, 0);
    return [c.tf.clone(x), c.tf.onesLike(c.tf.cast(x, "bool"))];
  },
};
