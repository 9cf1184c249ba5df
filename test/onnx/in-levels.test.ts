import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import {
  emptyGraph,
  filled,
  type Graph,
  GraphBuilder,
  inLevels,
  type Node,
} from "#onnx";

/** The gradient of so many layers, whose masks the backward pass makes last of all. */
function deep(layers: number): Graph {
  const b = new GraphBuilder(emptyGraph("deep"));
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  let x = "x";
  for (let i = 0; i < layers; i++) {
    const weight = b.constant(filled("float32", [2, 2], i));
    x = b.op("Relu", [b.op("Gemm", [x, weight])]);
  }
  const of = b.reduceSum(x);
  return gradient(b.build([of]), { of, wrt: ["x"] }).graph;
}

/** The longest list of nodes that could be next, where the first of them is. */
function longest({ nodes }: Graph): number {
  const makers = new Map(
    nodes.flatMap((node) => node.outputs.map((o) => [o, node] as const)),
  );
  const places = new Map(nodes.map((node, i) => [node, i]));
  const done = new Set<Node>();
  const canBeNext = (node: Node) =>
    node.inputs.every((name) => {
      const maker = makers.get(name);
      return !maker || done.has(maker);
    });
  let most = 0;
  const waiting = new Set(nodes);
  while (waiting.size > 0) {
    const next = [...waiting].filter(canBeNext);
    most = Math.max(most, next.length);
    next.sort((a, b) => places.get(a)! - places.get(b)!);
    done.add(next[0]!);
    waiting.delete(next[0]!);
  }
  return most;
}

test("what could be next stays few, of however many layers", () => {
  const graph = deep(900);
  const sorted = inLevels(graph);
  expect(new Set(sorted.nodes)).toEqual(new Set(graph.nodes));
  // Whatever reads a value stands behind what makes it.
  const places = new Map(
    sorted.nodes.flatMap((node, i) => node.outputs.map((o) => [o, i])),
  );
  sorted.nodes.forEach((node, i) => {
    for (const name of node.inputs)
      expect(places.get(name) ?? -1).toBeLessThan(i);
  });
  const first = { ...sorted, nodes: sorted.nodes.slice(0, 700) };
  expect(longest(first)).toBeLessThan(8);
});

test("a short graph is left as it is", () => {
  const graph = deep(3);
  expect(inLevels(graph)).toBe(graph);
});
