import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { emptyGraph, floats, GraphBuilder, ints } from "#onnx";

test("relu(conv) sum gradient runs", async () => {
  const b = new GraphBuilder(emptyGraph("t"));
  const x = b.input({ name: "x", type: "float32", dims: ["batch", 1, 4, 4] });
  const w = b.constant(
    floats(
      [2, 1, 3, 3],
      Array.from({ length: 18 }, (_, i) => (i % 5) - 2),
    ),
    "w",
  );
  const y = b.op(
    "MaxPool",
    [b.op("Relu", [b.op("Conv", [x, w], { pads: ints([1, 1, 1, 1]) })])],
    { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  );
  const { graph, gradients } = gradient(b.build([y]), {
    of: y,
    wrt: ["x", "w"],
  });
  const s = await onnxruntime.load(graph);
  const out = await s.run({
    x: floats(
      [1, 1, 4, 4],
      Array.from({ length: 16 }, (_, i) => Math.sin(i)),
    ),
  });
  expect(out[gradients.get("x")!]?.dims).toEqual([1, 1, 4, 4]);
  expect(out[gradients.get("w")!]?.dims).toEqual([2, 1, 3, 3]);
});
