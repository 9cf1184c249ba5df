import { AssayError } from "#core";
import type { DataType, Tensor } from "./tensor.ts";

/** A dimension: known, named (such as "batch"), or unknown. */
export type Dim = number | string | null;

/**
 * What is known of a value: its name, element type and shape. `dims` is absent when
 * even the rank is unknown.
 */
export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  /** Inside a body, whether the file leaves the type out. It is only inferred then. */
  readonly untyped?: true;
  readonly dims?: readonly Dim[];
}

/**
 * An attribute of a node, tagged by its ONNX kind. Integers beyond 2^53
 * are clamped to it.
 */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  /** The body of an If, Loop or Scan. */
  | { readonly kind: "graph"; readonly value: Subgraph }
  /** Inside a local function: the attribute of this name of the node that calls it. */
  | { readonly kind: "reference"; readonly value: string }
  /**
   * Anything else (sparse tensors, types, subgraphs over values that are not tensors):
   * kept as encoded, never looked into.
   */
  | { readonly kind: "opaque"; readonly value: Uint8Array };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation. An empty input or output name means an absent optional one. */
export interface Node {
  readonly name: string;
  /**
   * The module that it belongs to, such as "layer1.0.conv1", where PyTorch recorded it.
   */
  readonly scope?: string;
  readonly op: string;
  /** "" for the standard ONNX operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/**
 * Nodes in topological order, constants (ONNX "initializers") by name, inputs
 * and outputs by name. Inside a model it is the body of a control-flow node,
 * and may also read any value of the graph around it (it "captures" it).
 */
export interface Subgraph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Shapes that the exporter recorded for values inside the graph. */
  readonly valueInfo: readonly ValueInfo[];
}

/**
 * A model as a graph. Graphs are values: functions make new ones and leave
 * their arguments as they were.
 */
export interface Graph extends Subgraph {
  /** Operator set version by domain; "" is the standard domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly producer: string;
  /** Operators that the model defines itself; `normalise` writes out their calls. */
  readonly functions: readonly LocalFunction[];
}

/** An operator that a model defines itself (ONNX FunctionProto). */
export interface LocalFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What its attributes are when a call leaves them out. */
  readonly defaults: Attributes;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
}

/**
 * A whole number as an attribute of a node.
 *
 * @example
 * ```ts
 * import { int } from "assay/units";
 *
 * const attributes = { axis: int(1) };
 * console.log(attributes); // { axis: { kind: 'int', value: 1 } }
 * ```
 */
export const int = (value: number): Attribute => ({ kind: "int", value });
/**
 * A number as an attribute of a node.
 *
 * @example
 * ```ts
 * import { float } from "assay/units";
 *
 * const attributes = { alpha: float(0.5) };
 * console.log(attributes); // { alpha: { kind: 'float', value: 0.5 } }
 * ```
 */
export const float = (value: number): Attribute => ({ kind: "float", value });
/**
 * A text as an attribute of a node.
 *
 * @example
 * ```ts
 * import { string } from "assay/units";
 *
 * const attributes = { mode: string("linear") };
 * console.log(attributes); // { mode: { kind: 'string', value: 'linear' } }
 * ```
 */
export const string = (value: string): Attribute => ({ kind: "string", value });
/**
 * Whole numbers as an attribute of a node.
 *
 * @example
 * ```ts
 * import { ints } from "assay/units";
 *
 * const attributes = { perm: ints([0, 2, 1]) };
 * console.log(attributes); // { perm: { kind: 'ints', value: [ 0, 2, 1 ] } }
 * ```
 */
export const ints = (value: readonly number[]): Attribute => ({
  kind: "ints",
  value,
});

/**
 * The opset that Assay writes and differentiates: the first where every Reduce takes
 * its axes as an input.
 */
export const OPSET = 18;

/** A graph with nothing in it. */
export function emptyGraph(name: string): Graph {
  return {
    name,
    inputs: [],
    outputs: [],
    nodes: [],
    constants: new Map(),
    valueInfo: [],
    opsets: new Map([["", OPSET]]),
    metadata: new Map(),
    producer: "assay",
    functions: [],
  };
}

interface AttributeValues {
  int: number;
  float: number;
  string: string;
  ints: readonly number[];
  floats: readonly number[];
  strings: readonly string[];
  tensor: Tensor;
  graph: Subgraph;
}

/**
 * The value of an attribute of the given kind, or the default. Throws ONNX_ATTRIBUTE
 * when the kind differs.
 */
export function attribute<K extends keyof AttributeValues, D>(
  node: Node,
  name: string,
  kind: K,
  fallback: D,
): AttributeValues[K] | D {
  const found = node.attributes[name];
  if (found === undefined) return fallback;
  if (found.kind !== kind) {
    throw new AssayError(
      "ONNX_ATTRIBUTE",
      `${describeNode(node)} has a ${found.kind} as attribute "${name}", expected ${kind}`,
      "Export the model again; the file does not follow the ONNX standard.",
    );
  }
  return found.value as AttributeValues[K];
}

/** How messages name a node: `Conv "conv1"`. */
export function describeNode(node: Node): string {
  const op = node.domain ? `${node.domain}.${node.op}` : node.op;
  return `${op} "${node.name || node.outputs[0] || "?"}"`;
}
