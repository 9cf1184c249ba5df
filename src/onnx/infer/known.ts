import { attribute, type Dim, type Node } from "../graph.ts";
import { type DataType, numbers, sizeOf, type Tensor } from "../tensor.ts";

/** What is known of a value before anything is run. */
export interface Known {
  readonly type?: DataType;
  readonly dims?: readonly Dim[];
  /**
   * Contents of a small integer tensor, as far as they are known: shapes travel through
   * graphs this way.
   */
  readonly values?: readonly Dim[];
  /** Contents of a small float constant: scales travel this way. */
  readonly floats?: readonly number[];
}

/** What an inference rule sees. Absent or unknown inputs are empty. */
export interface InferContext {
  readonly node: Node;
  readonly inputs: readonly Known[];
  /** The dims of an input. */
  dims(index: number): readonly Dim[] | undefined;
  int(name: string, fallback: number): number;
  ints(name: string): readonly number[] | undefined;
  /** The contents of an integer input when every element is known. */
  valuesOf(index: number): number[] | undefined;
}

/** Computes what is known of each output of a node. */
export type InferRule = (context: InferContext) => readonly Known[];
export type InferTable = Readonly<Record<string, InferRule>>;

/**
 * Integer tensors up to this size are followed by value: as many as the steps that a
 * loop is written out for, since those of a sequence are split by such a tensor.
 */
export const MAX_VALUES = 1024;

/** Float constants up to this size are: one number for each axis of an image. */
const MAX_FLOATS = 8;

export function contextOf(node: Node, inputs: readonly Known[]): InferContext {
  return {
    node,
    inputs,
    dims: (i) => inputs[i]?.dims,
    int: (name, fallback) => attribute(node, name, "int", fallback),
    ints: (name) => attribute(node, name, "ints", undefined),
    valuesOf: (i) => {
      const values = inputs[i]?.values;
      return values?.every((v) => typeof v === "number")
        ? (values as number[])
        : undefined;
    },
  };
}

/** Whether an input is there, but its contents are computed while the model runs. */
export function isComputed(context: InferContext, index: number): boolean {
  return Boolean(context.node.inputs[index]) && !context.valuesOf(index);
}

/** What is known of a constant: everything, but contents only of small ones. */
export function knownConstant(t: Tensor): Known {
  const countable =
    (t.type === "int64" || t.type === "int32" || t.type === "bool") &&
    sizeOf(t.dims) <= MAX_VALUES;
  return {
    type: t.type,
    dims: t.dims,
    values: countable ? numbers(t) : undefined,
    floats:
      t.type === "float32" && sizeOf(t.dims) <= MAX_FLOATS
        ? numbers(t)
        : undefined,
  };
}

/**
 * The axes of a node, from an attribute or from the input at `index`, counted from the
 * front; undefined means all.
 */
export function axesOf(
  context: InferContext,
  index: number,
  rank: number,
): number[] | undefined {
  const axes = context.ints("axes") ?? context.valuesOf(index);
  return axes?.map((a) => (a < 0 ? a + rank : a));
}
