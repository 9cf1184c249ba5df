import { attribute, type Graph, GraphBuilder, type Node, sizeOf } from "#onnx";
import {
  comesFrom,
  haveCommonSource,
  isLayer,
  type Makers,
  makersOf,
} from "./ancestry.ts";
import { attentionOps, hidesLater, readFromInputs } from "./causal.ts";
import { embeddingOf } from "./integers.ts";
import { findWeights } from "./weights.ts";

/** What can be counted in a graph that tells families of models apart. */
export interface Features {
  /** Whether the input is token ids that are looked up in a table. */
  readonly isText: boolean;
  /** Convolutions of values, each with its window. */
  readonly convolutions: readonly {
    readonly kernel: readonly number[];
    readonly strides: readonly number[];
    readonly depthwise: boolean;
    /** More than one group, but not one for each channel. */
    readonly grouped: boolean;
    readonly outputs: number;
  }[];
  /** Products with weights. */
  readonly linears: number;
  /** Softmax over products of values, or attention as one operator. */
  readonly attentions: number;
  /** Whether a later place is hidden from an earlier one. */
  readonly causal: boolean;
  /** Recurrent operators by name, and "Loop" for loops that multiply by weights. */
  readonly recurrent: Readonly<Record<string, number>>;
  /** Additions of a value to what layers made of it. */
  readonly residuals: number;
  /** Joins of a value with what layers made of it. */
  readonly denseJoins: number;
  /** Joins of values that were made side by side. */
  readonly branchJoins: number;
  readonly upsamplings: number;
  /**
   * Feature maps that are multiplied by one number for each channel, between 0 and 1.
   */
  readonly gates: number;
  /** Channels that are dealt out anew between groups. */
  readonly shuffles: number;
  /** Sizes of the vectors that layers normalise, in order. */
  readonly widths: readonly number[];
  readonly activations: readonly string[];
  /** Other operators that bend values, or may. */
  readonly unusual: readonly string[];
  /** Operators of classical learning in the file. */
  readonly classical: readonly string[];
}

/** Operators that bend values one by one. */
export const activationOps: ReadonlySet<string> = new Set(
  "Celu Clip Elu Erf Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu QuickGelu Relu Selu Sigmoid Silu Softplus Softsign Swish Tanh ThresholdedRelu".split(
    " ",
  ),
);
/**
 * Operators of linear models: sums, products, what moves numbers, and what
 * makes scores of them.
 */
const plainOps: ReadonlySet<string> = new Set(
  "Add ArgMax Cast Concat DequantizeLinear Div Equal Flatten Gather Gemm Identity LogSoftmax MatMul Mul Neg QuantizeLinear ReduceL1 ReduceL2 ReduceSum Reshape Shape Softmax Split Squeeze Sub Sum Transpose Unsqueeze Where ZipMap".split(
    " ",
  ),
);

/**
 * Counts the features of a model.
 *
 * @param source the graph as it is in the file
 * @param graph the same, normalised
 */
export function featuresOf(source: Graph, graph: Graph): Features {
  const { graph: plain, signal, trained } = findWeights(graph);
  const b = new GraphBuilder(plain);
  const read = readFromInputs(plain);
  const makers = makersOf(plain);
  const onSignal = (node: Node) => node.outputs.some((o) => signal.has(o));
  const nodes = plain.nodes.filter(onSignal);
  const both = (node: Node) =>
    node.inputs.filter((name) => signal.has(name)).length > 1;
  const weighted = new Set(trained.map((w) => w.node));
  const joins = nodes.filter((n) => n.op === "Concat" && both(n));
  const dense = joins.filter((n) => {
    const parts = n.inputs.filter((name) => signal.has(name));
    const [first = "", last = ""] = [parts[0], parts.at(-1)];
    return (
      comesFrom(last, first, makers, isLayer) ||
      comesFrom(first, last, makers, isLayer)
    );
  });
  return {
    isText: graph.inputs.some((i) => embeddingOf(graph, i.name) !== undefined),
    convolutions: nodes
      .filter((n) => /Conv/.test(n.op) && n.op !== "ConvTranspose")
      .map((n) => convolutionOf(n, b)),
    linears: nodes.filter(
      (n) => /^(Gemm|MatMul|Einsum|MatMulInteger)/.test(n.op) && !both(n),
    ).length,
    attentions:
      nodes.filter((n) => n.op === "Softmax" && mixes(n, plain, signal))
        .length + nodes.filter((n) => attentionOps.test(n.op)).length,
    causal: plain.nodes.some((n) => hidesLater(n, b, read)),
    recurrent: recurrences(graph),
    residuals: nodes.filter((n) => {
      if (n.op !== "Add" || !both(n) || weighted.has(n)) return false;
      const [x = "", y = ""] = n.inputs;
      return (
        comesFrom(x, y, makers, isLayer) ||
        comesFrom(y, x, makers, isLayer) ||
        haveCommonSource(x, y, makers)
      );
    }).length,
    denseJoins: dense.length,
    branchJoins: joins.filter(
      (n) => !dense.includes(n) && b.dims(n.outputs[0]!)?.length === 4,
    ).length,
    upsamplings: nodes.filter((n) =>
      /^(ConvTranspose|Resize|Upsample|DepthToSpace)$/.test(n.op),
    ).length,
    gates: nodes.filter((n) => n.op === "Mul" && isGate(n, b, makers)).length,
    shuffles: nodes.filter(
      (n) =>
        n.op === "Transpose" &&
        attribute(n, "perm", "ints", []).join() === "0,2,1,3,4",
    ).length,
    widths: trained
      .filter((w) => /^(Layer|RMS)Normalization$|^Mul$/.test(w.node.op))
      .map((w) => plain.constants.get(w.name)?.dims ?? [])
      // A scale of heads or channels has ones behind it.
      .filter((dims) => dims.at(-1) === sizeOf(dims))
      .map(sizeOf),
    activations: [
      ...new Set(nodes.map((n) => n.op).filter((op) => activationOps.has(op))),
    ],
    unusual: [
      ...new Set(
        nodes
          .filter((n) => !plainOps.has(n.op))
          .map((n) => n.op)
          .filter((op) => !activationOps.has(op)),
      ),
    ],
    classical: [
      ...new Set(
        source.nodes.filter((n) => n.domain === "ai.onnx.ml").map((n) => n.op),
      ),
    ],
  };
}

function convolutionOf(node: Node, b: GraphBuilder) {
  const slot = node.op === "QLinearConv" ? 3 : 1;
  const dims = (b.dims(node.inputs[slot] ?? "") ?? []).map((d) =>
    typeof d === "number" ? d : 0,
  );
  const [outputs = 0, , ...kernel] = dims;
  const group = attribute(node, "group", "int", 1);
  const depthwise = group > 1 && dims[1] === 1;
  return {
    kernel,
    strides: attribute(
      node,
      "strides",
      "ints",
      kernel.map(() => 1),
    ),
    depthwise,
    grouped: group > 1 && !depthwise,
    outputs,
  };
}

const moves: ReadonlySet<string> = new Set(
  "Cast Dropout Flatten Identity Reshape Squeeze Transpose Unsqueeze Where".split(
    " ",
  ),
);

/** Whether a Softmax weights values: it goes into a product with another value. */
function mixes(
  softmax: Node,
  graph: Graph,
  signal: ReadonlySet<string>,
): boolean {
  const values = new Set(softmax.outputs);
  for (const node of graph.nodes) {
    if (!node.inputs.some((i) => values.has(i))) continue;
    if (moves.has(node.op)) values.add(node.outputs[0]!);
    const other = node.inputs.some((i) => signal.has(i) && !values.has(i));
    if (/^(MatMul|Einsum)$/.test(node.op) && other) return true;
  }
  return false;
}

function recurrences(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  for (const node of graph.nodes) {
    if (/^(LSTM|GRU|RNN)$/.test(node.op)) add(node.op);
    if (!/^(Loop|Scan)$/.test(node.op)) continue;
    const body = attribute(node, "body", "graph", undefined);
    if (body?.nodes.some((n) => /^(MatMul|Gemm|Einsum)$/.test(n.op)))
      add(node.op);
  }
  return counts;
}

/** Whether a product scales each channel of a map by a number that a Sigmoid made. */
function isGate(node: Node, b: GraphBuilder, makers: Makers): boolean {
  const dims = node.inputs.map((i) => b.dims(i)?.slice(2) ?? []);
  const [x = [], y = []] = dims;
  const isPoint = (d: typeof x) => d.length > 1 && d.every((s) => s === 1);
  const gate =
    isPoint(x) && !isPoint(y) ? 0 : isPoint(y) && !isPoint(x) ? 1 : -1;
  const maker = makers.get(node.inputs[gate] ?? "");
  return maker !== undefined && /Sigmoid/.test(maker.op);
}
