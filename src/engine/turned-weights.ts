import { type Graph, int, prune } from "#onnx";

/**
 * The graph with products by turned weights as operators of onnxruntime that read them
 * as they lie: it would keep a turned copy of each otherwise, which for a transformer
 * and its gradient is a copy of all weights.
 */
export function readAsTheyLie(graph: Graph): Graph {
  const turned = new Map<string, string>();
  for (const { op, domain, inputs, outputs, attributes } of graph.nodes) {
    const [weight = ""] = inputs;
    const dims = graph.constants.get(weight)?.dims;
    const order = attributes.perm?.kind === "ints" ? attributes.perm.value : [];
    const isMatrix = dims?.length === 2 && order.join() !== "0,1";
    if (op === "Transpose" && domain === "" && isMatrix)
      turned.set(outputs[0]!, weight);
  }
  if (turned.size === 0) return graph;
  const nodes = graph.nodes.map((node) => {
    const [x = "", y = ""] = node.inputs;
    const weight = turned.get(y);
    return node.op === "MatMul" && node.domain === "" && weight !== undefined
      ? {
          ...node,
          op: "FusedMatMul",
          domain: "com.microsoft",
          inputs: [x, weight],
          attributes: { transB: int(1) },
        }
      : node;
  });
  const opsets = new Map([...graph.opsets, ["com.microsoft", 1]]);
  return prune({ ...graph, nodes, opsets });
}
