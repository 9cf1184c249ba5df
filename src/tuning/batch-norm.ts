import { attribute, type Graph, GraphBuilder, int } from "#onnx";

/**
 * Batch normalisation by the statistics of the batch (Ioffe and Szegedy 2015,
 * arXiv:1502.03167), as it is trained, in the nodes whose scale is trained.
 * The running statistics move towards those of the batch, with the momentum
 * and the population variance of the ONNX standard.
 *
 * @param trained names of the trained weights
 * @returns the graph, and by the name of each running statistic the value it
 *   takes after the batch
 */
export function withBatchStatistics(
  graph: Graph,
  trained: ReadonlySet<string>,
): { graph: Graph; running: ReadonlyMap<string, string> } {
  const running = new Map<string, string>();
  const b = new GraphBuilder({ ...graph, nodes: [] }, "batch-norm/");
  for (const node of graph.nodes) {
    const [x = "", scale = "", shift = "", mean = "", variance = ""] =
      node.inputs;
    const isOne =
      node.op === "BatchNormalization" &&
      trained.has(scale) &&
      graph.constants.has(mean) &&
      graph.constants.has(variance);
    if (!isOne) {
      b.append(node);
      continue;
    }
    const rank = b.rankedDims(x).length;
    const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    const axes = b.ints([0, ...spatial]);
    const average = (v: string) =>
      b.op("ReduceMean", [v, axes], { keepdims: int(1) });
    const channels = (v: string) =>
      b.reshape(v, [1, -1, ...spatial.map(() => 1)]);
    const batchMean = average(x);
    const centred = b.sub(x, batchMean);
    const batchVariance = average(b.mul(centred, centred));
    const epsilon = attribute(node, "epsilon", "float", 1e-5);
    const unit = b.div(centred, b.sqrt(b.add(batchVariance, epsilon)));
    const scaled = b.add(b.mul(unit, channels(scale)), channels(shift));
    b.rename(scaled, node.outputs[0]!);
    const momentum = attribute(node, "momentum", "float", 0.9);
    const moved = (before: string, now: string) =>
      b.add(b.mul(before, momentum), b.mul(b.reshape(now, [-1]), 1 - momentum));
    running.set(mean, moved(mean, batchMean));
    running.set(variance, moved(variance, batchVariance));
  }
  return { graph: b.build(), running };
}
