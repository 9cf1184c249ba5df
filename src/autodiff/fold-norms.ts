import {
  attribute,
  type Dim,
  type Graph,
  GraphBuilder,
  mayCapture,
  type Node,
} from "#onnx";
import { computedOf } from "./computed-of.ts";

/**
 * The graph with batch normalisation by frozen statistics inside the convolution before
 * it, where that has trained weights: they are multiplied, and the bias is moved, in
 * the graph. Both compute the same. What the normalisation costs is then work on
 * weights, not on the images of a batch, forth and back.
 *
 * @param wrt values that the gradient is taken with respect to
 * @param kept values that are asked for by name
 */
export function foldNorms(
  graph: Graph,
  wrt: readonly string[],
  kept: ReadonlySet<string>,
): Graph {
  const folds = foldable(graph, wrt, kept);
  if (folds.size === 0) return graph;
  const folded = new Set(folds.values());
  const b = GraphBuilder.rewriting(graph, "folded/");
  for (const node of graph.nodes) {
    const conv = folds.get(node);
    if (conv) append(b, conv, node);
    else if (!folded.has(node)) b.append(node);
  }
  return b.build();
}

/**
 * Samples of a batch from which it pays: weights are multiplied, and their gradients
 * twice, in place of seven passes over what the convolution gives.
 */
const FEW_SAMPLES = 16;

/** The convolution that each normalisation can be folded into. */
function foldable(
  graph: Graph,
  wrt: readonly string[],
  kept: ReadonlySet<string>,
): ReadonlyMap<Node, Node> {
  const norms = graph.nodes.filter(
    (n) => n.op === "BatchNormalization" && isFrozen(n),
  );
  if (norms.length === 0) return new Map();
  const reached = computedOf(graph.nodes, wrt);
  const convs = new Map(
    graph.nodes.flatMap((n) =>
      isPlain(n, "Conv") && reached.has(n.inputs[1] ?? "")
        ? [[n.outputs[0], n] as const]
        : [],
    ),
  );
  const asked = new Set([...kept, ...graph.outputs.map(({ name }) => name)]);
  const b = new GraphBuilder(graph);
  const size = (dims: readonly Dim[] | undefined) =>
    (dims ?? [null]).reduce<number>(
      (p, d) => p * (typeof d === "number" ? d : Number.NaN),
      1,
    );
  return new Map(
    norms.flatMap((norm) => {
      const [x = ""] = norm.inputs;
      const conv = convs.get(x);
      if (!conv || asked.has(x)) return [];
      const weights = size(b.dims(conv.inputs[1] ?? ""));
      const each = size(b.dims(x)?.slice(1));
      if (!(weights <= FEW_SAMPLES * each)) return [];
      // Bodies read values without naming them as inputs.
      const isAlone = graph.nodes.every(
        (n) => n === norm || !(n.inputs.includes(x) || mayCapture(n, x)),
      );
      return isAlone ? [[norm, conv] as const] : [];
    }),
  );
}

const isPlain = (node: Node, op: string) =>
  node.op === op && node.domain === "" && node.outputs.length === 1;

const isFrozen = (node: Node) =>
  isPlain(node, "BatchNormalization") &&
  attribute(node, "training_mode", "int", 0) === 0;

function append(b: GraphBuilder, conv: Node, norm: Node): void {
  const [x = "", w = "", bias] = conv.inputs;
  const [, scale = "", shift = "", mean = "", variance = ""] = norm.inputs;
  const epsilon = attribute(norm, "epsilon", "float", 1e-5);
  const factor = b.div(scale, b.sqrt(b.add(variance, epsilon)));
  const ones = b.rankedDims(w).map((_, i) => (i === 0 ? -1 : 1));
  const weight = b.mul(w, b.reshape(factor, ones));
  const centred = bias ? b.sub(bias, mean) : b.neg(mean);
  b.append({
    ...conv,
    inputs: [x, weight, b.add(b.mul(centred, factor), shift)],
    outputs: norm.outputs,
  });
}
