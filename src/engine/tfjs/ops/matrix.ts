import { attribute, parseEinsum, sizeOf } from "#onnx";
import {
  cannotRun,
  coordinates,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  stretch,
  stridesOf,
  type TensorFlow,
  type TfTensor,
} from "../kernel.ts";
import { pick } from "../picking.ts";
import { broadcastShape } from "../whole.ts";

type T = TfTensor;

/**
 * The product of (batches of) matrices, as NumPy broadcasts them; the gradient
 * that TensorFlow.js has of a broadcast product is not summed down again, so
 * batches are made equal before.
 */
function product(c: KernelContext, x: T, y: T): T {
  const { tf } = c;
  const [left, right] = [x, y].map((t) => t.shape);
  if (!left || !right || left.length === 0 || right.length === 0)
    throw cannotRun(c.node, "a scalar is no matrix");
  const a = left.length === 1 ? tf.reshape(x, [1, -1]) : x;
  const b = right.length === 1 ? tf.reshape(y, [-1, 1]) : y;
  const [rows = 1, inner = 1] = a.shape.slice(-2);
  const [depth = 1, columns = 1] = b.shape.slice(-2);
  if (inner !== depth)
    throw cannotRun(
      c.node,
      `[${left.join(", ")}] and [${right.join(", ")}] do not fit`,
    );
  const batch = broadcastShape(c, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const dims = [
    ...batch,
    ...(left.length === 1 ? [] : [rows]),
    ...(right.length === 1 ? [] : [columns]),
  ];
  if (b.shape.length === 2)
    return tf.reshape(tf.matMul(tf.reshape(a, [-1, inner]), b as never), dims);
  const whole = (t: T, m: number, n: number) =>
    tf.reshape(stretch(tf, t, [...batch, m, n]), [-1, m, n]);
  return tf.reshape(
    tf.matMul(whole(a, rows, inner), whole(b, inner, columns)),
    dims,
  );
}

const gemm: Kernel = (c) => {
  const { tf, node } = c;
  const on = (name: string) => attribute(node, name, "int", 0) === 1;
  const y = tf.mul(
    tf.matMul(input(c, 0), input(c, 1), on("transA"), on("transB")),
    attribute(node, "alpha", "float", 1),
  );
  const bias = c.x[2];
  return bias
    ? tf.add(y, tf.mul(bias, attribute(node, "beta", "float", 1)))
    : y;
};

interface Operand {
  readonly labels: readonly string[];
  readonly value: T;
}

/**
 * One axis for each label, those that repeat by their diagonal, and
 * sizes of 1 stretched.
 */
function operand(
  tf: TensorFlow,
  value: T,
  term: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Operand {
  const labels = term.filter((label, i) => term.indexOf(label) === i);
  const dims = labels.map((label) => sizes.get(label) ?? 1);
  const plain =
    labels.length === term.length && dims.every((d, i) => d === value.shape[i]);
  if (plain) return { labels, value };
  const own = stridesOf(value.shape);
  const strides = stridesOf(dims);
  const positions = range(sizeOf(dims)).map((i) => {
    const place = coordinates(i, strides);
    return term.reduce((sum, label, axis) => {
      const at = place[labels.indexOf(label)] ?? 0;
      return sum + (value.shape[axis] === 1 ? 0 : at * own[axis]!);
    }, 0);
  });
  return { labels, value: pick(tf, value, positions, dims) };
}

/**
 * The sum of products of two operands over what neither the result nor
 * another operand has.
 */
function contract(
  tf: TensorFlow,
  x: Operand,
  y: Operand,
  kept: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Operand {
  const both = x.labels.filter((l) => y.labels.includes(l));
  const batch = both.filter((l) => kept.has(l));
  const summed = both.filter((l) => !kept.has(l));
  const left = x.labels.filter((l) => !both.includes(l));
  const right = y.labels.filter((l) => !both.includes(l));
  const count = (labels: readonly string[]) =>
    sizeOf(labels.map((l) => sizes.get(l) ?? 1));
  const matrix = (o: Operand, rows: string[], columns: string[]) =>
    tf.reshape(arranged(tf, o, [...batch, ...rows, ...columns]), [
      count(batch),
      count(rows),
      count(columns),
    ]);
  const labels = [...batch, ...left, ...right];
  const value = tf.matMul(matrix(x, left, summed), matrix(y, summed, right));
  return {
    labels,
    value: tf.reshape(
      value,
      labels.map((l) => sizes.get(l) ?? 1),
    ),
  };
}

const arranged = (tf: TensorFlow, o: Operand, labels: readonly string[]) =>
  o.labels.length < 2
    ? o.value
    : tf.transpose(
        o.value,
        labels.map((l) => o.labels.indexOf(l)),
      );

/** A sum of products, by products of matrices from left to right. */
const einsum: Kernel = (c) => {
  const { tf, node } = c;
  const inputs = c.x.filter((x) => x !== undefined);
  const equation = attribute(node, "equation", "string", "");
  const parsed = parseEinsum(
    equation,
    inputs.map((x) => x.shape.length),
  );
  if (!parsed) throw cannotRun(node, `its equation "${equation}" does not fit`);
  const { terms, output } = parsed;
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => {
    term.forEach((label, axis) => {
      const size = inputs[i]?.shape[axis] ?? 1;
      sizes.set(label, Math.max(size, sizes.get(label) ?? 1));
    });
  });
  const operands = inputs.map((x, i) => operand(tf, x, terms[i] ?? [], sizes));
  const [first, ...others] = operands as [Operand, ...Operand[]];
  const result = others.reduce((sum, next, i) => {
    const later = operands.slice(i + 2).flatMap((o) => o.labels);
    return contract(tf, sum, next, new Set([...output, ...later]), sizes);
  }, first);
  const gone = result.labels.flatMap((l, i) => (output.includes(l) ? [] : [i]));
  const labels = result.labels.filter((l) => output.includes(l));
  const value = gone.length ? tf.sum(result.value, gone) : result.value;
  return tf.clone(arranged(tf, { labels, value }, output));
};

export const matrix: KernelTable = {
  MatMul: (c) => product(c, input(c, 0), input(c, 1)),
  Gemm: gemm,
  Einsum: einsum,
};

export { product };
