import {
  attribute,
  fixed,
  floats,
  type Graph,
  GraphBuilder,
  type Node,
  sizeOf,
  windowOf,
  windowOutput,
} from "#onnx";
import { computedOf } from "./computed-of.ts";
import { MOST_THREADS } from "./rule.ts";
import { type Geometry, sights } from "./rules/geometry.ts";

/**
 * The graph with convolutions of one filter a channel over small images as products, a
 * matrix a channel, where their weights are trained. onnxruntime computes such a
 * convolution one channel of one image after the other, forth and back, where its
 * weights may change.
 *
 * @param wrt values that the gradient is taken with respect to
 */
export function smallDepthwise(graph: Graph, wrt: readonly string[]): Graph {
  if (!graph.nodes.some(isGrouped)) return graph;
  const trained = computedOf(graph.nodes, wrt);
  const b = GraphBuilder.rewriting(graph, "depthwise/");
  for (const node of graph.nodes) {
    const geometry =
      isGrouped(node) && trained.has(node.inputs[1] ?? "")
        ? geometryOf(b, node)
        : undefined;
    if (geometry) b.rename(product(b, node, geometry), node.outputs[0] ?? "");
    else b.append(node);
  }
  return b.build();
}

const isGrouped = (node: Node) =>
  node.op === "Conv" &&
  node.domain === "" &&
  attribute(node, "group", "int", 1) >= MOST_THREADS;

/** Pairs of a pixel of the input and one of the output: those of images of 8 x 8. */
const MOST_PAIRS = 4096;

/** The sizes of a convolution of small images with one filter a channel. */
function geometryOf(b: GraphBuilder, node: Node): Geometry | undefined {
  const [x = "", w = ""] = node.inputs;
  const weight = fixed(b.dims(w) ?? [null]);
  const input = fixed(b.dims(x)?.slice(2) ?? [null]);
  if (weight?.length !== 4 || !input) return undefined;
  const window = windowOf(node, input, weight.slice(2));
  const output = fixed(windowOutput(window, input)) ?? [];
  const groups = attribute(node, "group", "int", 1);
  const isOne = weight[0] === groups && weight[1] === 1;
  const pairs = sizeOf([...input, ...output]);
  return isOne && pairs <= MOST_PAIRS
    ? { ...window, groups, weight, input, output }
    : undefined;
}

/** The images of each channel, pixels in a row, times the channel's matrix. */
function product(b: GraphBuilder, node: Node, s: Geometry): string {
  const [x = "", w = "", bias] = node.inputs;
  const [inputs, outputs] = [sizeOf(s.input), sizeOf(s.output)];
  const { groups } = s;
  const matrices = b.matmul(
    b.reshape(w, [groups, -1]),
    b.constant(places(s, inputs, outputs)),
  );
  const y =
    inputs * outputs === 1
      ? b.mul(x, b.reshape(matrices, [1, groups, 1, 1]))
      : perChannel();
  return bias ? b.add(y, b.reshape(bias, [1, groups, 1, 1])) : y;

  function perChannel(): string {
    const pixels = b.transpose(b.reshape(x, [-1, groups, inputs]), [1, 0, 2]);
    const all = b.matmul(
      pixels,
      b.reshape(matrices, [groups, inputs, outputs]),
    );
    return b.reshape(b.transpose(all, [1, 0, 2]), [-1, groups, ...s.output]);
  }
}

/** 1 where a pixel of the output sees one of the input by a tap: [taps, pairs]. */
function places(s: Geometry, inputs: number, outputs: number) {
  const taps = sizeOf(s.weight.slice(2));
  const pairs = inputs * outputs;
  const seen = new Float32Array(taps * pairs);
  for (const { tap, output, input } of sights(s))
    seen[tap * pairs + input * outputs + output] = 1;
  return floats([taps, pairs], seen);
}
