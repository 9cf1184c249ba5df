import { MOST_THREADS } from "#autodiff";
import { type Graph, GraphBuilder, type Node, sizeOf } from "#onnx";

/**
 * Threads that an operator of a training step gets at most. onnxruntime rounds a
 * product otherwise where a thread has few of its columns (docs/performance.md). Small
 * networks of linear layers alone are full of such products, and done as soon by one
 * thread; small transformers are full of them too.
 *
 * @param trained names of the weights, which are inputs of the graph
 */
export function threadsFor(graph: Graph, trained: readonly string[]): number {
  const b = new GraphBuilder(graph);
  const dimsOf = (name: string) => (b.dims(name) ?? []).map(Number);
  const matrices = new Set(trained.filter((w) => dimsOf(w).length > 1));
  const size = [...matrices].reduce((sum, w) => sum + sizeOf(dimsOf(w)), 0);
  // Where a sample is a row, a weight is used once a sample.
  const isLinear = ({ op, inputs: [x = ""] }: Node) =>
    (op === "Gemm" || op === "MatMul") && b.dims(x)?.length === 2;
  const isPlain = graph.nodes.every(
    (node) =>
      !convolutions.has(node.op) &&
      (isLinear(node) || !node.inputs.some((name) => matrices.has(name))),
  );
  // Where rows of a table of tokens are looked up, the rest is products as well.
  const ofTokens =
    graph.nodes.every(({ op }) => !convolutions.has(op)) &&
    graph.nodes.some(
      ({ op, inputs: [x = ""] }) => op === "Gather" && matrices.has(x),
    );
  const few = ofTokens ? FEW_OF_TOKENS : isPlain ? FEW_WEIGHTS : 0;
  return size <= few ? 1 : MOST_THREADS;
}

const convolutions = new Set(["Conv", "ConvTranspose"]);

/** A step of 32 samples multiplies for a quarter of a millisecond by so many. */
const FEW_WEIGHTS = 2 ** 18;

/** The same of 32 texts of 12 tokens, in some 20 milliseconds. */
const FEW_OF_TOKENS = 2 ** 19;
