import { AssayError } from "#core";
import { mayCapture } from "./captures.ts";
import {
  type Attributes,
  type Dim,
  type Graph,
  int,
  ints,
  type Node,
  type ValueInfo,
} from "./graph.ts";
import {
  castTypes,
  inferNode,
  type Known,
  knownConstant,
} from "./infer/index.ts";
import {
  arrayTypes,
  type DataType,
  int64s,
  sizeOf,
  type Tensor,
  tensor,
} from "./tensor.ts";

/**
 * A value of the graph by name, or a number that becomes a scalar of the
 * other operand's type.
 */
export type Operand = string | number;

/**
 * Adds nodes to a copy of a graph. Every method that adds one returns the
 * name of its first output, and what can be known of each value (type, shape)
 * is inferred on the way. Values may be given wherever a name is expected;
 * new names start with `prefix` and never collide.
 *
 * @example
 * ```ts
 * import { loadModel } from "assay";
 * import { GraphBuilder, int } from "assay/units";
 *
 * const { graph, logits } = await loadModel("digits.onnx");
 * const b = new GraphBuilder(graph, "mine/");
 * const shares = b.op("Softmax", [b.mul(logits, 0.5)], { axis: int(1) });
 * console.log(b.dims(shares)); // [ 'batch', 10 ]
 * console.log(b.build([shares]).outputs.length); // 1
 * ```
 */
export class GraphBuilder {
  readonly #graph: Graph;
  readonly #prefix: string;
  readonly #nodes: Node[];
  readonly #inputs: ValueInfo[];
  readonly #constants: Map<string, Tensor>;
  readonly #known = new Map<string, Known>();
  readonly #shared = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #outer: GraphBuilder | undefined;
  #counter = 0;

  /**
   * @param prefix begins the names of what is added
   * @param outer the builder of the graph around this one, whose values a body may read
   */
  constructor(graph: Graph, prefix = "", outer?: GraphBuilder) {
    this.#graph = graph;
    this.#outer = outer;
    this.#prefix = prefix;
    this.#nodes = [...graph.nodes];
    this.#inputs = [...graph.inputs];
    this.#constants = new Map(graph.constants);
    for (const info of [
      ...graph.valueInfo,
      ...graph.outputs,
      ...graph.inputs,
    ]) {
      this.#taken.add(info.name);
      if (info.untyped) continue;
      this.#known.set(info.name, { type: info.type, dims: info.dims });
    }
    // Of a constant more is known than what an exporter records.
    for (const [name, value] of graph.constants) {
      this.#taken.add(name);
      this.#known.set(name, knownConstant(value));
    }
    for (const node of graph.nodes) this.#infer(node);
  }

  /**
   * A builder of the graph without its nodes, which whoever rewrites some of them adds
   * in turn. New names are none of theirs.
   */
  static rewriting(graph: Graph, prefix: string): GraphBuilder {
    const b = new GraphBuilder({ ...graph, nodes: [] }, prefix);
    for (const { outputs } of graph.nodes)
      for (const name of outputs) if (name) b.#taken.add(name);
    return b;
  }

  /** The nodes so far, in topological order. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** The graph with everything that was added, and the given values as its outputs. */
  build(outputs?: readonly string[]): Graph {
    const kept = new Map(this.#graph.outputs.map((o) => [o.name, o]));
    return {
      ...this.#graph,
      inputs: this.#inputs,
      nodes: this.#nodes,
      constants: this.#constants,
      outputs: outputs
        ? outputs.map((name) => kept.get(name) ?? this.info(name))
        : this.#graph.outputs,
    };
  }

  // --- what is known ------------------------------------------------------

  known(name: string): Known {
    return this.#known.get(name) ?? this.#outer?.known(name) ?? {};
  }

  /** Whether a name is taken. */
  has = (name: string): boolean => this.#taken.has(name);

  /** Name, type and shape of a value, as an input or output of a graph needs it. */
  info(name: string): ValueInfo {
    const { type, dims } = this.known(name);
    return { name, type: type ?? "float32", dims };
  }

  dims(name: string): readonly Dim[] | undefined {
    return this.known(name).dims;
  }

  type(name: string): DataType {
    return this.known(name).type ?? "float32";
  }

  constantOf(name: string): Tensor | undefined {
    return this.#constants.get(name) ?? this.#outer?.constantOf(name);
  }

  /**
   * The contents of an integer value when they are all known, from a constant or from
   * shape arithmetic.
   */
  intsOf(name: string | undefined): number[] | undefined {
    const values = name ? this.known(name).values : undefined;
    return values?.every((v) => typeof v === "number")
      ? (values as number[])
      : undefined;
  }

  /** The dims of a value that a rule cannot work without. Throws SHAPE_UNKNOWN. */
  rankedDims(name: string): readonly Dim[] {
    const dims = this.dims(name);
    if (dims === undefined) {
      throw new AssayError(
        "SHAPE_UNKNOWN",
        `the shape of value "${name}" is not known, not even its rank`,
        "Export the model with shapes recorded (for example with onnx.shape_inference), or with fixed input sizes.",
      );
    }
    return dims;
  }

  // --- adding values ------------------------------------------------------

  input(info: ValueInfo): string {
    this.#take(info.name);
    this.#inputs.push(info);
    this.#known.set(info.name, { type: info.type, dims: info.dims });
    return info.name;
  }

  /** Adds a constant, or finds the equal small one that was added before. */
  constant(value: Tensor, name?: string): string {
    const shared =
      name === undefined && sizeOf(value.dims) <= 256
        ? `${value.type}[${value.dims.join()}]${value.data.join()}`
        : undefined;
    const before = shared && this.#shared.get(shared);
    if (before) return before;
    const fresh = name === undefined ? this.fresh("constant") : name;
    if (name !== undefined) this.#take(name);
    this.#constants.set(fresh, value);
    this.#known.set(fresh, knownConstant(value));
    if (shared) this.#shared.set(shared, fresh);
    return fresh;
  }

  /** Makes a name that the graph may already know mean this constant. */
  define(name: string, value: Tensor): void {
    this.#taken.add(name);
    this.#constants.set(name, value);
    this.#known.set(name, knownConstant(value));
  }

  scalar(value: number, type: DataType = "float32"): string {
    return this.constant(filled(type, [], value));
  }

  /** An int64 vector constant. */
  ints(values: readonly number[]): string {
    return this.constant(int64s(values));
  }

  /** Adds a node with several outputs and returns their names. */
  many(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: number | readonly string[],
  ): string[] {
    const names =
      typeof outputs === "number"
        ? Array.from({ length: outputs }, () => this.fresh(op))
        : outputs.map((name) => this.#take(name));
    const node: Node = {
      name: names[0] ?? op,
      op,
      domain: "",
      inputs,
      outputs: names,
      attributes,
    };
    this.#nodes.push(node);
    this.#infer(node);
    return names;
  }

  op(
    op: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    name?: string,
  ): string {
    return this.many(op, inputs, attributes, name ? [name] : 1)[0]!;
  }

  /** Adds a node as it is, names and all. */
  append(node: Node): void {
    this.#nodes.push(node);
    this.#infer(node);
  }

  /**
   * Gives a value that a node of this builder made another name. A value that
   * is an input, a constant or has a name that matters is copied instead.
   */
  rename(value: string, name: string): void {
    const at = this.#nodes.findLastIndex((n) => n.outputs.includes(value));
    const known = this.known(value);
    const own = value.startsWith(this.#prefix) && at >= 0;
    if (!own || this.#nodes.slice(at).some((n) => mayCapture(n, value))) {
      this.append(identity(value, name));
      return;
    }
    const swap = (names: readonly string[]) =>
      names.map((n) => (n === value ? name : n));
    for (let i = at; i < this.#nodes.length; i++) {
      const node = this.#nodes[i]!;
      this.#nodes[i] = {
        ...node,
        inputs: swap(node.inputs),
        outputs: swap(node.outputs),
      };
    }
    this.#taken.add(name);
    this.#known.set(name, known);
  }

  /**
   * Makes a node that is already in the graph also produce its output at `index`, and
   * returns its name.
   */
  requireOutput(node: Node, index: number): string {
    const at = this.#nodes.findIndex((n) => n.outputs[0] === node.outputs[0]);
    const current = this.#nodes[at]!;
    const existing = current.outputs[index];
    if (existing) return existing;
    const outputs = Array.from(
      { length: Math.max(index + 1, current.outputs.length) },
      (_, i) => current.outputs[i] ?? "",
    );
    outputs[index] = this.fresh(`${current.op}_output${index}`);
    const widened = { ...current, outputs };
    this.#nodes[at] = widened;
    this.#infer(widened);
    return outputs[index];
  }

  // --- elementwise --------------------------------------------------------

  add = (x: Operand, y: Operand) => this.#binary("Add", x, y);
  sub = (x: Operand, y: Operand) => this.#binary("Sub", x, y);
  mul = (x: Operand, y: Operand) => this.#binary("Mul", x, y);
  div = (x: Operand, y: Operand) => this.#binary("Div", x, y);
  pow = (x: Operand, y: Operand) => this.#binary("Pow", x, y);
  greater = (x: Operand, y: Operand) => this.#binary("Greater", x, y);
  atLeast = (x: Operand, y: Operand) => this.#binary("GreaterOrEqual", x, y);
  less = (x: Operand, y: Operand) => this.#binary("Less", x, y);
  atMost = (x: Operand, y: Operand) => this.#binary("LessOrEqual", x, y);
  equal = (x: Operand, y: Operand) => this.#binary("Equal", x, y);
  and = (x: string, y: string) => this.op("And", [x, y]);
  neg = (x: string) => this.op("Neg", [x]);
  exp = (x: string) => this.op("Exp", [x]);
  log = (x: string) => this.op("Log", [x]);
  sqrt = (x: string) => this.op("Sqrt", [x]);
  abs = (x: string) => this.op("Abs", [x]);
  sign = (x: string) => this.op("Sign", [x]);
  sigmoid = (x: string) => this.op("Sigmoid", [x]);

  where(condition: string, x: Operand, y: Operand): string {
    const [a, b] = this.#operands(x, y);
    return this.op("Where", [condition, a, b]);
  }

  cast(x: string, to: DataType): string {
    const code = Object.entries(castTypes).find(([, type]) => type === to)?.[0];
    return this.op("Cast", [x], { to: int(Number(code)) });
  }

  /**
   * A condition as 0 and 1 in the type of `like`; multiplying by it is faster than
   * Where, which has one thread.
   */
  mask(condition: string, like: string): string {
    return this.cast(condition, this.type(like));
  }

  // --- shapes -------------------------------------------------------------

  shapeOf = (x: string) => this.op("Shape", [x]);

  /**
   * In the place of a Reshape right before it: onnxruntime 1.30 cannot load a computed
   * shape that a constant one follows.
   */
  reshape(x: string, shape: string | readonly number[]): string {
    const before = this.#nodes.findLast((n) => n.outputs[0] === x);
    const target = typeof shape === "string" ? this.known(shape).values : shape;
    // A 0 keeps a size of x itself.
    const same = before?.op === "Reshape" && !target?.includes(0);
    return this.op("Reshape", [
      same ? before.inputs[0]! : x,
      typeof shape === "string" ? shape : this.ints(shape),
    ]);
  }

  transpose(x: string, order: readonly number[]): string {
    return order.every((axis, i) => axis === i)
      ? x
      : this.op("Transpose", [x], { perm: ints(order) });
  }

  /** Swaps the last two axes. */
  transposeLast(x: string): string {
    const rank = this.rankedDims(x).length;
    const order = Array.from({ length: rank }, (_, i) => i);
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    return this.transpose(x, order);
  }

  unsqueeze = (x: string, axes: readonly number[]) =>
    this.op("Unsqueeze", [x, this.ints(axes)]);
  squeeze = (x: string, axes: readonly number[]) =>
    this.op("Squeeze", [x, this.ints(axes)]);
  expand = (x: string, shape: string) => this.op("Expand", [x, shape]);
  matmul = (x: string, y: string) => this.op("MatMul", [x, y]);

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1
      ? parts[0]!
      : this.op("Concat", parts, { axis: int(axis) });
  }

  slice(
    x: string,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): string {
    return this.op("Slice", [
      x,
      this.ints(starts),
      this.ints(ends),
      this.ints(axes),
      this.ints(steps),
    ]);
  }

  /** Pads with zeros. Negative pads crop. */
  pad(x: string, begin: readonly number[], end: readonly number[]): string {
    return [...begin, ...end].every((p) => p === 0)
      ? x
      : this.op("Pad", [x, this.ints([...begin, ...end])]);
  }

  /** Sums over axes (all of them when none are given). */
  reduceSum(x: string, axes?: readonly number[], keepdims = false): string {
    return this.op("ReduceSum", axes ? [x, this.ints(axes)] : [x], {
      keepdims: int(keepdims ? 1 : 0),
    });
  }

  /** Zeros in the type of `like`, of a shape that is itself a value. */
  zeros(shape: string, like: string): string {
    return this.op("ConstantOfShape", [shape], {
      value: { kind: "tensor", value: filled(this.type(like), [1], 0) },
    });
  }

  // ------------------------------------------------------------------------

  #binary(op: string, x: Operand, y: Operand): string {
    return this.op(op, this.#operands(x, y));
  }

  #operands(x: Operand, y: Operand): [string, string] {
    const like = typeof x === "string" ? x : (y as string);
    const name = (v: Operand) =>
      typeof v === "string" ? v : this.scalar(v, this.type(like));
    return [name(x), name(y)];
  }

  #infer(node: Node): void {
    const inferred = inferNode(
      node,
      node.inputs.map((name) => this.known(name)),
    );
    node.outputs.forEach((name, i) => {
      if (!name) return;
      this.#taken.add(name);
      const recorded = this.known(name);
      const found = inferred[i] ?? {};
      this.#known.set(name, {
        type: found.type ?? recorded.type,
        // What is inferred from the bound inputs is surer than what the
        // exporter recorded.
        dims: found.dims ?? recorded.dims,
        values: found.values,
        floats: found.floats,
      });
    });
  }

  /** A name that nothing has yet. It is taken from then on. */
  fresh(stem: string): string {
    let name: string;
    do {
      name = this.#outer
        ? this.#outer.fresh(stem)
        : `${this.#prefix}${stem}_${this.#counter++}`;
    } while (this.#taken.has(name));
    return this.#take(name);
  }

  #take(name: string): string {
    if (this.#taken.has(name)) {
      throw new AssayError(
        "GRAPH_NAME",
        `the graph already has a value named "${name}"`,
        "Choose another name.",
      );
    }
    this.#taken.add(name);
    return name;
  }
}

const identity = (value: string, name: string): Node => ({
  name,
  op: "Identity",
  domain: "",
  inputs: [value],
  outputs: [name],
  attributes: {},
});

/** A tensor of one repeated number. */
export function filled(
  type: DataType,
  dims: readonly number[],
  value: number,
): Tensor {
  if (type === "string" || type === "float16" || type === "bfloat16") {
    throw new AssayError(
      "TENSOR_TYPE",
      `cannot make a ${type} constant`,
      "Convert the model to float32 first.",
    );
  }
  const size = sizeOf(dims);
  const data =
    type === "int64" || type === "uint64"
      ? new arrayTypes[type](size).fill(BigInt(value))
      : new arrayTypes[type](size).fill(value);
  return tensor(type, dims, data);
}
