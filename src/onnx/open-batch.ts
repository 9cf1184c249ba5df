import { GraphBuilder } from "./builder.ts";
import { attribute, type Graph, type Node } from "./graph.ts";

/** The name of the open batch dimension. */
export const BATCH = "batch";

/**
 * A graph that was exported for one batch size, for any: the first dimension
 * of the input is opened, and Reshape targets that repeat the fixed size are
 * turned into "as many as there are". Other places where an exporter may bake
 * the size in (Expand, Tile, initial states) stay as they are, so the result
 * has to be tried: a batch must give what its samples give alone.
 */
export function openBatch(graph: Graph, input: string): Graph {
  const info = graph.inputs.find((i) => i.name === input);
  const size = info?.dims?.[0];
  if (!info?.dims || typeof size !== "number") return graph;
  const opened = { ...info, dims: [BATCH, ...info.dims.slice(1)] };
  const b = new GraphBuilder(
    {
      ...graph,
      inputs: graph.inputs.map((i) => (i === info ? opened : i)),
      // What the exporter recorded holds for the old size only.
      outputs: graph.outputs.map(({ name, type }) => ({ name, type })),
      valueInfo: [],
      nodes: [],
    },
    "batch/",
  );
  for (const node of graph.nodes) b.append(reopened(b, node, size));
  return b.build();
}

/** A Reshape that keeps the fixed batch as its first size, kept open instead. */
function reopened(b: GraphBuilder, node: Node, size: number): Node {
  const [x = "", shape = ""] = node.inputs;
  const target = node.op === "Reshape" ? b.intsOf(shape) : undefined;
  const batched = b.dims(x)?.[0] === BATCH;
  const exact = attribute(node, "allowzero", "int", 0) === 1;
  if (!target || target[0] !== size || !batched || exact) return node;
  // 0 repeats the size of the input; it says so even beside a -1.
  return { ...node, inputs: [x, b.ints([0, ...target.slice(1)])] };
}
