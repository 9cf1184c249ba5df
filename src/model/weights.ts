import { AssayError } from "#core";
import {
  expand,
  type Graph,
  GraphBuilder,
  type Node,
  sizeOf,
  type Tensor,
} from "#onnx";
import { signals, smoothly } from "./signal.ts";
import { isAngleTable, isMask } from "./tables.ts";

/** A constant that is trained, where it first meets what is computed from the input. */
export interface Weight {
  readonly name: string;
  readonly node: Node;
}

/** Why a constant in the place of a weight is not trained. */
export type Reason = "preprocessing" | "mask" | "angles" | "no gradient";

/** What the constants of a graph are. */
export interface Weights {
  /** In topological order of the nodes that read them; each constant once. */
  readonly trained: readonly Weight[];
  readonly left: ReadonlyMap<string, Reason>;
  /** The graph that `node` of the weights belongs to: loops are written out. */
  readonly graph: Graph;
  /**
   * The values that are computed from what the input holds, not only from its shape.
   */
  readonly signal: ReadonlySet<string>;
}

/**
 * The inputs of an operator that hold weights when the rest of it comes from the input.
 */
const weightSlots: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  DeformConv: [1, 3],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  LSTM: [1, 2, 3, 7],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  RMSNormalization: [1],
  PRelu: [1],
  Gather: [0],
};

/**
 * Operators of any number of operands, each of which may hold weights; among them,
 * single numbers are settings of the model.
 */
const arithmetic: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Sum",
  "Concat",
]);

/** Operators that begin a layer. */
export const layerOps: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "DeformConv",
  "Gemm",
  "MatMul",
  "Einsum",
  "Gather",
  "LSTM",
  "GRU",
  "RNN",
]);

/** Operators that hand weights on: by their first input, or by all of them. */
const carriers: Readonly<Record<string, "first" | "all">> = {
  Cast: "first",
  DequantizeLinear: "first",
  Expand: "first",
  Flatten: "first",
  Gather: "first",
  Identity: "first",
  Pad: "first",
  QuantizeLinear: "first",
  Reshape: "first",
  Slice: "first",
  Split: "first",
  Squeeze: "first",
  Tile: "first",
  Transpose: "first",
  Unsqueeze: "first",
  Add: "all",
  Concat: "all",
  Sum: "all",
};

/**
 * The weights of a model. ONNX does not mark them. A float32 constant is one when it
 * stands in the place of a weight of an operator whose other inputs are computed from
 * the model's input, be it there directly, moved or cast on the way, or added to other
 * weights, and when the outputs depend smoothly on it.
 *
 * Not trained are: single numbers in arithmetic; what stands before the first
 * layer (means and deviations of the input); attention masks; tables of sines
 * and cosines; running statistics.
 */
export function findWeights(source: Graph): Weights {
  const graph = withoutLoops(source);
  const b = new GraphBuilder(graph);
  const { signal, raw } = signals(graph, b, isLayer);
  const smooth = smoothly(graph, b);
  const carried = new Map<string, readonly string[]>();
  for (const [name, value] of graph.constants)
    if (value.type === "float32") carried.set(name, [name]);
  const found = new Map<string, Weight>();
  const left = new Map<string, Reason>();
  const candidates: { node: Node; name: string; early: boolean }[] = [];
  for (const node of graph.nodes) {
    if (node.outputs.some((o) => signal.has(o))) {
      const early = node.inputs.every((i) => raw.has(i) || !signal.has(i));
      for (const name of weightsIn(node, { graph, signal, carried }))
        candidates.push({ node, name, early });
    } else {
      const on = handedOn(node, graph, carried);
      if (on.length > 0) for (const o of node.outputs) carried.set(o, on);
    }
  }
  const angles = angleTables(graph, candidates);
  for (const { node, name, early } of candidates) {
    const value = graph.constants.get(name) as Tensor<"float32">;
    const reason: Reason | undefined = !smooth.has(name)
      ? "no gradient"
      : isInFront(name) || (early && arithmetic.has(node.op))
        ? "preprocessing"
        : node.domain === "" && layerSlots(node) && !isTable(node)
          ? undefined
          : isMask(value)
            ? "mask"
            : angles.has(name)
              ? "angles"
              : undefined;
    if (reason) left.set(name, reason);
    else if (!found.has(name)) found.set(name, { name, node });
  }
  for (const name of found.keys()) left.delete(name);
  return { trained: [...found.values()], left, graph, signal };
}

/**
 * Whether Assay put a constant in front of the model: the preprocessing of its
 * contract, or a sanitizer.
 */
const isInFront = (name: string) => /^(preprocessing|defense)\//.test(name);

const isLayer = (node: Node) => layerOps.has(node.op) || layerSlots(node);

/**
 * Tables are looked up. What else stands in a layer's slot is a weight
 * whatever its numbers.
 */
const isTable = (node: Node) => node.op === "Gather";

const layerSlots = (node: Node) =>
  node.op === "Einsum" || Object.hasOwn(weightSlots, node.op);

/**
 * Bodies of loops and conditions read weights of the graph around them; written out,
 * their places are seen.
 */
function withoutLoops(graph: Graph): Graph {
  const chosen = (node: Node) => ["If", "Loop", "Scan"].includes(node.op);
  try {
    const simpler = expand(graph, chosen);
    // A loop written out may leave conditions that are known by now.
    return simpler === graph ? graph : withoutLoops(simpler);
  } catch (error) {
    const refused =
      error instanceof AssayError && error.code === "EXPAND_UNSUPPORTED";
    if (!refused) throw error;
    return graph;
  }
}

interface Place {
  readonly graph: Graph;
  readonly signal: ReadonlySet<string>;
  readonly carried: ReadonlyMap<string, readonly string[]>;
}

/** The constants in the weight slots of a node that is computed from the input. */
function weightsIn(node: Node, { graph, signal, carried }: Place): string[] {
  if (node.domain !== "") return [];
  const every = node.inputs.map((_, i) => i);
  const isArithmetic = arithmetic.has(node.op);
  // The left side of a layer that no input reaches is what it works on.
  const reached = node.inputs.some((i) => signal.has(i));
  const slots =
    !reached && node.op !== "Gather"
      ? [1, 2]
      : isArithmetic || node.op === "Einsum"
        ? every
        : Object.hasOwn(weightSlots, node.op)
          ? (weightSlots[node.op] ?? [])
          : [];
  return slots.flatMap((slot) => {
    const value = node.inputs[slot] ?? "";
    if (signal.has(value)) return [];
    return (carried.get(value) ?? []).filter((name) => {
      const t = graph.constants.get(name) as Tensor<"float32">;
      const isPadding = node.op === "Concat" && t.data.every((v) => v === 0);
      return t.dims.length > 0 && !isPadding && !isSetting(node, t);
    });
  });
}

/**
 * Single numbers in arithmetic are settings, such as an epsilon, and so is what brings
 * outputs into their unit. A PRelu of one slope is a weight.
 */
const isSetting = (node: Node, t: Tensor) =>
  (arithmetic.has(node.op) && node.outputs[0]?.startsWith("output/")) ||
  sizeOf(t.dims) === 0 ||
  (arithmetic.has(node.op) && sizeOf(t.dims) === 1);

/** The weights in the outputs of a node that is not computed from the input. */
function handedOn(
  node: Node,
  graph: Graph,
  carried: Place["carried"],
): readonly string[] {
  if (node.domain !== "") return [];
  const of = (name: string | undefined) => carried.get(name ?? "") ?? [];
  const how = Object.hasOwn(carriers, node.op) ? carriers[node.op] : undefined;
  if (how === "first") return of(node.inputs[0]);
  if (how === "all") return [...new Set(node.inputs.flatMap(of))];
  if (node.op !== "Mul" && node.op !== "Div") return [];
  // Weights times a number are still those weights.
  const isNumber = (name: string | undefined) => {
    const t = graph.constants.get(name ?? "");
    return t !== undefined && sizeOf(t.dims) === 1;
  };
  const [x, y] = node.inputs;
  if (isNumber(y)) return of(x);
  return node.op === "Mul" && isNumber(x) ? of(y) : [];
}

/**
 * Tables of sines and cosines among the candidates: those that say so alone, and pairs
 * of one shape whose squares add up to 1.
 */
function angleTables(
  graph: Graph,
  candidates: readonly { node: Node; name: string }[],
): ReadonlySet<string> {
  const tables = [
    ...new Set(
      candidates
        .filter(({ node }) => arithmetic.has(node.op) || isTable(node))
        .map(({ name }) => name),
    ),
  ].map((name) => ({
    name,
    value: graph.constants.get(name) as Tensor<"float32">,
  }));
  const found = new Set<string>();
  for (const [i, { name, value }] of tables.entries()) {
    if (isAngleTable(value)) found.add(name);
    for (const other of tables.slice(i + 1)) {
      if (isAngleTable(value, other.value)) {
        found.add(name);
        found.add(other.name);
      }
    }
  }
  return found;
}
