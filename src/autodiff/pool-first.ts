import { type Graph, mayCapture, type Node } from "#onnx";

/**
 * The graph with every Relu that only a MaxPool reads behind it. Both orders give the
 * same values and the same gradients, since Relu keeps the order of numbers. The mask
 * of the gradient is as small as the pooled image then.
 *
 * @param kept values that are asked for by name
 */
export function poolFirst(graph: Graph, kept: ReadonlySet<string>): Graph {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  const asked = new Set([...kept, ...graph.outputs.map(({ name }) => name)]);
  /** The pooling that alone reads what a Relu gives. */
  const poolOf = ({ op, domain, outputs: [y = ""] }: Node) => {
    const [reader, ...others] = readers.get(y) ?? [];
    if (op !== "Relu" || domain !== "" || others.length > 0) return undefined;
    if (reader?.op !== "MaxPool" || reader.domain !== "" || asked.has(y))
      return undefined;
    // Bodies read values without naming them as inputs.
    if (graph.nodes.some((node) => mayCapture(node, y))) return undefined;
    return reader.outputs.length === 1 ? reader : undefined;
  };
  const pools = new Map(
    graph.nodes.flatMap((relu) => {
      const pool = poolOf(relu);
      return pool ? [[pool, relu] as const] : [];
    }),
  );
  const behind = new Set(pools.values());
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => {
      if (behind.has(node)) return [];
      const relu = pools.get(node);
      if (!relu) return [node];
      const pooled = `${relu.outputs[0]}/pooled`;
      return [
        { ...node, inputs: relu.inputs, outputs: [pooled] },
        { ...relu, inputs: [pooled], outputs: node.outputs },
      ];
    }),
  };
}
