import { GraphBuilder } from "./builder.ts";
import type { Graph } from "./graph.ts";

/**
 * The graph with the type and shape of every value inside, as far as they follow from
 * its inputs. onnxruntime computes the same, and takes ten times as long to load a
 * long graph that does not say so: 34 s instead of 2.5 s for the gradient of 128 steps
 * of an LSTM.
 */
export function withSizes(graph: Graph): Graph {
  const b = new GraphBuilder(graph);
  const outside = new Set(graph.outputs.map((o) => o.name));
  return {
    ...graph,
    valueInfo: graph.nodes
      .flatMap((n) => n.outputs)
      .filter((name) => {
        const { type, dims } = b.known(name);
        return name && type && dims && !outside.has(name);
      })
      .map((name) => b.info(name)),
  };
}
