import { AssayError } from "#core";
import { describeNode, type Graph, readNames } from "#onnx";

/**
 * Refuses a model that takes one of two ways by what it computes of its input: a
 * batch takes one way together, so its samples would not come out as they do alone,
 * and no gradient passes the choice.
 *
 * @throws MODEL_BRANCH
 */
export function refuseBranches(graph: Graph, file: string): void {
  const computed = new Set(graph.inputs.map((i) => i.name));
  for (const node of graph.nodes) {
    const { op, domain, inputs, outputs } = node;
    const isMeasure = op === "Shape" || op === "Size";
    if (isMeasure || !readNames(node).some((name) => computed.has(name)))
      continue;
    if (op === "If" && domain === "" && computed.has(inputs[0] ?? "")) {
      throw new AssayError(
        "MODEL_BRANCH",
        `${file}: ${describeNode(node)} takes one of two ways by what the model computes of its input; a batch would take one together`,
        "Export the model without the choice, or its parts as models of their own.",
      );
    }
    for (const name of outputs) computed.add(name);
  }
}
