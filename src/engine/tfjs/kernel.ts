import type * as TensorFlowModule from "@tensorflow/tfjs";
import { AssayError } from "#core";
import {
  attribute,
  axisOf,
  type DataType,
  describeNode,
  type Node,
} from "#onnx";

/** The namespace of TensorFlow.js, from whichever package is installed. */
export type TensorFlow = typeof TensorFlowModule;
export type TfTensor = TensorFlowModule.Tensor;

/** What a kernel sees of one node while the graph runs. */
export interface KernelContext {
  readonly tf: TensorFlow;
  readonly node: Node;
  /** The inputs; undefined for an absent optional one. */
  readonly x: readonly (TfTensor | undefined)[];
  /** ONNX types of the inputs and outputs. */
  readonly inTypes: readonly DataType[];
  readonly outTypes: readonly DataType[];
  readonly opset: number;
}

/**
 * Computes the outputs of a node with TensorFlow.js. Booleans are held as
 * bool, int32 and int64 as int32, and everything else as float32: small
 * integers too, since they are what a QuantizeLinear makes, through which
 * gradients pass.
 */
export type Kernel = (
  c: KernelContext,
) => TfTensor | readonly (TfTensor | undefined)[];
export type KernelTable = Readonly<Record<string, Kernel>>;

/** An input that has to be there. */
export function input(c: KernelContext, index: number): TfTensor {
  const found = c.x[index];
  if (found) return found;
  throw cannotRun(c.node, `its input ${index} is absent`);
}

/** The contents of an integer input, undefined when it is absent. */
export const contents = (
  c: KernelContext,
  index: number,
): number[] | undefined => {
  const found = c.x[index];
  return found && Array.from(found.dataSync());
};

/**
 * The axes that a node states in an attribute or an input, counted from the front;
 * undefined when it states none.
 */
export function statedAxes(
  c: KernelContext,
  index: number,
  rank: number,
): number[] | undefined {
  const axes =
    attribute(c.node, "axes", "ints", undefined) ?? contents(c, index);
  return axes?.map((a) => axisOf(a, rank));
}

export const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** The error of a node that met something which this engine does not do. */
export function cannotRun(node: Node, what: string): AssayError {
  return new AssayError(
    "ENGINE_RUN",
    `TensorFlow.js cannot run ${describeNode(node)}: ${what}`,
    "Use the engine onnxruntime for this model.",
  );
}

/**
 * Computes something that the gradient tape does not see, so that no gradient
 * passes: TensorFlow.js has no stopGradient, but records nothing inside a kernel.
 */
export function untaped<T>(tf: TensorFlow, compute: () => T): T {
  const { state } = tf.engine();
  state.kernelDepth++;
  try {
    return compute();
  } finally {
    state.kernelDepth--;
  }
}

/** A tensor cut up along an axis, into so many equal parts or parts of given sizes. */
export function partsOf(
  tf: TensorFlow,
  x: TfTensor,
  sizes: number | number[],
  axis: number,
): TfTensor[] {
  // The gradient that TensorFlow.js has of a single part fails.
  const count = typeof sizes === "number" ? sizes : sizes.length;
  return count === 1 ? [tf.clone(x)] : tf.split(x, sizes, axis);
}

/**
 * Repeats along axes of 1, and new ones in front; the gradient that TensorFlow.js has
 * of it ends at four axes.
 */
export function stretch(
  tf: TensorFlow,
  x: TfTensor,
  dims: readonly number[],
): TfTensor {
  if (x.dtype === "float32") return tf.add(x, tf.zeros([...dims]));
  // It would repeat once what is to be repeated not at all.
  return dims.includes(0)
    ? tf.zeros([...dims], x.dtype as "int32")
    : tf.broadcastTo(x, [...dims]);
}

/**
 * x where a condition holds, y elsewhere; all in the shape of the condition and its
 * operands together.
 */
export function select(
  tf: TensorFlow,
  condition: TfTensor,
  x: TfTensor,
  y: TfTensor,
): TfTensor {
  const dims = [condition, x, y].reduce<number[]>(
    (shape, t) => tf.broadcast_util.assertAndGetBroadcastShape(shape, t.shape),
    [],
  );
  const whole = (t: TfTensor) =>
    t.shape.join() === dims.join() ? t : stretch(tf, t, dims);
  return tf.where(whole(condition), whole(x), whole(y));
}

/** Row-major strides of a shape. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--)
    strides[i] = (strides[i + 1] ?? 1) * (dims[i + 1] ?? 1);
  return strides;
}

/** The coordinates of an element of a shape. */
export function coordinates(at: number, strides: readonly number[]): number[] {
  let rest = at;
  return strides.map((stride) => {
    const c = Math.floor(rest / stride);
    rest -= c * stride;
    return c;
  });
}
