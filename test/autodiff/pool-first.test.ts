import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { emptyGraph, floats, type Graph, GraphBuilder, ints } from "#onnx";
import { poolFirst } from "../../src/autodiff/pool-first.ts";

const DIMS = [1, 2, 4, 6];
const pooling = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };

/**
 * Relu, then the largest of each window; `seen` names what the graph gives beside it.
 */
function pooled(also: (b: GraphBuilder, relu: string) => string[] = () => []): {
  graph: Graph;
  relu: string;
  y: string;
} {
  const b = new GraphBuilder(emptyGraph("g"));
  b.input({ name: "x", type: "float32", dims: DIMS });
  const relu = b.op("Relu", ["x"]);
  const y = b.mul(b.op("MaxPool", [relu], pooling), 2);
  return { graph: b.build([y, ...also(b, relu)]), relu, y };
}

const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);

test("the gradient goes to the first of the largest of a window where that is above 0", async () => {
  const { graph, y } = pooled();
  const { graph: whole, gradients } = gradient(graph, { of: y, wrt: ["x"] });
  const session = await onnxruntime.load(whole);
  // Few values, so that there are ties.
  const values = fc.array(fc.constantFrom(-1, 0, 0.5, 2), {
    minLength: 48,
    maxLength: 48,
  });
  await fc.assert(
    fc.asyncProperty(values, async (x) => {
      const out = await session.run({ x: floats(DIMS, x) });
      const expected = new Array<number>(48).fill(0);
      for (let window = 0; window < 12; window++) {
        const [plane, row, column] = [
          Math.floor(window / 6),
          Math.floor(window / 3) % 2,
          window % 3,
        ];
        const first = 24 * plane + 12 * row + 2 * column;
        const places = [first, first + 1, first + 6, first + 7];
        const most = Math.max(...places.map((i) => x[i] as number));
        const won = places.find((i) => x[i] === most) as number;
        expect(out[y]?.data[window]).toBe(2 * Math.max(0, most));
        if (most > 0) expected[won] = 2;
      }
      const found = out[gradients.get("x") as string]?.data as Float32Array;
      expect(Array.from(found)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

test("a Relu goes behind the pooling that alone reads it, and stays where others do", () => {
  const alone = pooled();
  expect(ops(poolFirst(alone.graph, new Set()))).toEqual([
    "MaxPool",
    "Relu",
    "Mul",
  ]);
  const order = ["Relu", "MaxPool", "Mul"];
  expect(ops(poolFirst(alone.graph, new Set([alone.relu])))).toEqual(order);
  const given = pooled((_, relu) => [relu]);
  expect(ops(poolFirst(given.graph, new Set()))).toEqual(order);
  const read = pooled((b, relu) => [b.op("Neg", [relu])]);
  expect(ops(poolFirst(read.graph, new Set()))).toEqual([...order, "Neg"]);
});
