import { onnxruntime, type Session } from "#engine";
import {
  attribute,
  emptyGraph,
  filled,
  fixed,
  type Graph,
  GraphBuilder,
  type Node,
  sizeOf,
} from "#onnx";

/**
 * Something that takes as long as this many multiply-adds at the best
 * rate of the cores.
 */
export interface Floor {
  /** Milliseconds of so many multiply-adds. */
  milliseconds(multiplyAdds: number): Promise<number>;
}

/** The rate of a 1024 x 1024 product, measured whenever it is asked for. */
export async function openFloor(): Promise<Floor> {
  const n = 1024;
  const b = new GraphBuilder(emptyGraph("floor"));
  const x = b.input({ name: "x", type: "float32", dims: [n, n] });
  const weight = b.constant(filled("float32", [n, n], 0.5));
  const session: Session = await onnxruntime.load(
    b.build([b.matmul(x, weight)]),
  );
  const feeds = { x: filled("float32", [n, n], 1) };
  return {
    async milliseconds(multiplyAdds) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        await session.run(feeds);
        best = Math.min(best, performance.now() - start);
      }
      return (multiplyAdds / n ** 3) * best;
    },
  };
}

/**
 * Multiply-adds of the convolutions and products among some nodes of a
 * graph, for a batch.
 */
export function multiplyAdds(
  graph: Graph,
  batch: number,
  nodes: readonly Node[] = graph.nodes,
): number {
  const b = new GraphBuilder(graph);
  const size = (name: string) =>
    sizeOf(
      fixed(
        (b.dims(name) ?? []).map((d) => (typeof d === "string" ? batch : d)),
      ) ?? [],
    );
  const each = (node: Node): number => {
    const [x = "", w = ""] = node.inputs;
    const output = size(node.outputs[0] ?? "");
    const last = (dims: readonly (string | number | null)[] | undefined) =>
      Number(dims?.at(-1) ?? 0);
    switch (node.op) {
      case "Conv":
        return output * sizeOf(fixed(b.dims(w)?.slice(1) ?? []) ?? []);
      case "Gemm":
        return (
          output *
          (attribute(node, "transA", "int", 0)
            ? Number(b.dims(x)?.[0] ?? 0)
            : last(b.dims(x)))
        );
      case "MatMul":
        return output * last(b.dims(x));
      default:
        return 0;
    }
  };
  return nodes.reduce((sum, node) => sum + each(node), 0);
}
