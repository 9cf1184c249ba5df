import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { compile, modelOf } from "#model";
import { emptyGraph, filled, floats, GraphBuilder } from "#onnx";
import { forwardRows } from "../../src/model/batches.ts";
import { liveBytes } from "../../src/model/live.ts";

const KB = 1024;

/** Values of 1 kB a sample, one behind the other. */
function chain(count: number) {
  const b = new GraphBuilder(emptyGraph("chain"));
  b.input({ name: "x", type: "float32", dims: ["batch", 256] });
  const values = ["x"];
  for (let i = 0; i < count; i++) values.push(b.op("Relu", [values.at(-1)!]));
  return { b, values };
}

test("what nobody reads any more is not held", () => {
  const { b, values } = chain(10);
  expect(liveBytes(b.build([values.at(-1)!]))).toBe(2 * KB);
});

test("what is read again is held until then", () => {
  const { b, values } = chain(10);
  const sum = values.reduceRight((all, value) => b.add(all, value));
  // The input and ten values, and the first sum.
  expect(liveBytes(b.build([sum]))).toBe(12 * KB);
});

test("another shape takes no memory, and weights are of no sample", () => {
  const b = new GraphBuilder(emptyGraph("shapes"));
  b.input({ name: "x", type: "float32", dims: ["batch", 256] });
  const square = b.reshape("x", [-1, 16, 16]);
  const weight = b.op("Relu", [b.constant(filled("float32", [1000, 1000], 1))]);
  const sum = b.reduceSum(weight);
  expect(liveBytes(b.build([b.op("Relu", [b.mul(square, sum)])]))).toBe(2 * KB);
});

test("large samples go through a few at once, and give what they give alone", async () => {
  const width = 2 ** 22;
  const b = new GraphBuilder(emptyGraph("large"));
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  const wide = b.mul(
    b.reduceSum("x", [1], true),
    b.constant(filled("float32", [width], 1)),
  );
  const out = b.op("ReduceMax", [wide, b.ints([1])]);
  const graph = b.build([b.concat([out, out], 1)]);
  expect(forwardRows(graph)).toBe(15);
  const model = modelOf(graph, "large.onnx", { input: { shape: [2] } });
  const compiled = await compile(model, onnxruntime);
  const x = floats(
    [40, 2],
    Float32Array.from({ length: 80 }, (_, i) => i),
  );
  const { data } = await compiled.logits(x);
  await compiled.release();
  expect(Array.from(data.filter((_, i) => i % 2 === 0))).toEqual(
    Array.from({ length: 40 }, (_, i) => 4 * i + 1),
  );
});
