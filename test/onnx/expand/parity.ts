import { expect } from "vitest";
import { onnxruntime } from "#engine";
import { expand, type Graph, type Tensor } from "#onnx";

/**
 * Runs a graph as it is and with its composite operators expanded, and
 * compares every output that the expansion offers.
 */
export async function expectSameExpanded(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  tolerance = 1e-5,
): Promise<void> {
  const expanded = expand(graph, () => true);
  expect(expanded, "something was expanded").not.toBe(graph);
  const [before, after] = await Promise.all([
    run(graph, feeds),
    run(expanded, feeds),
  ]);
  for (const { name } of graph.outputs) {
    const [a, b] = [before[name]!, after[name]!];
    expect(b.dims, `shape of ${name}`).toEqual(a.dims);
    expect(b.type).toBe(a.type);
    const scale = Math.max(
      1,
      ...Array.from(a.data as Float32Array, (v) => Math.abs(Number(v))),
    );
    const error = Math.max(
      0,
      ...Array.from(a.data as Float32Array, (v, i) =>
        Math.abs(Number(v) - Number(b.data[i])),
      ),
    );
    expect(error / scale, `error of ${name}`).toBeLessThan(tolerance);
  }
}

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>) {
  const session = await onnxruntime.load(graph);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
