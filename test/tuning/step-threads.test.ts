import { expect, test } from "vitest";
import { MOST_THREADS } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { modelOf } from "#model";
import { emptyGraph, floats, GraphBuilder, int, sizeOf } from "#onnx";
import { openPlainStep } from "../../src/tuning/plain-step.ts";
import { threadsFor } from "../../src/tuning/step-threads.ts";

const BATCH = 32;
const random = new Random(4);
const normal = (dims: readonly number[], scale: number) =>
  floats(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => scale * random.normal()),
  );

/** Linear layers of these widths, as exporters write them. */
function layers(widths: readonly number[]) {
  const b = new GraphBuilder(emptyGraph("layers"));
  let x = b.input({
    name: "x",
    type: "float32",
    dims: ["batch", widths[0] ?? 1],
  });
  widths.slice(1).forEach((to, i) => {
    const from = widths[i] ?? 1;
    const w = b.constant(normal([to, from], 1 / Math.sqrt(from)), `w${i}`);
    const bias = b.constant(normal([to], 0.1), `b${i}`);
    if (i > 0) x = b.op("Relu", [x]);
    x = b.op("Gemm", [x, w, bias], { transB: int(1) });
  });
  return b.build([x]);
}

test("linear layers are trained to the same bits by any number of threads", async () => {
  // With four threads of its own the first product is rounded otherwise.
  const widths = [784, 128, 64, 10];
  const graph = layers(widths);
  const x = normal([BATCH, 784], 1);
  const y = Int32Array.from({ length: BATCH }, (_, i) => i % 10);
  const trained = async (threads: number) => {
    const engine: typeof onnxruntime = {
      ...onnxruntime,
      load: (g, options) => onnxruntime.load(g, { ...options, threads }),
    };
    const model = modelOf(graph, "test", { input: { shape: [784] } });
    const step = await openPlainStep(model, engine);
    for (let i = 0; i < 5; i++) await step.take({ x, y }, 1e-3);
    await step.release();
    return [...step.weights.values()].map(({ data }) => data.slice());
  };
  const one = await trained(1);
  for (let threads = 2; threads <= MOST_THREADS; threads++)
    expect(await trained(threads)).toEqual(one);
});

test("large networks, and those whose weights are used many times, have more threads", () => {
  const named = (widths: readonly number[]) => {
    const graph = layers(widths);
    return threadsFor(graph, [...graph.constants.keys()]);
  };
  expect(named([784, 128, 10])).toBe(1);
  expect(named([2048, 1024, 10])).toBe(MOST_THREADS);
  const b = new GraphBuilder(emptyGraph("tokens"));
  b.input({ name: "x", type: "float32", dims: ["batch", 16, 8] });
  b.constant(normal([8, 8], 1), "w");
  expect(threadsFor(b.build([b.matmul("x", "w")]), ["w"])).toBe(MOST_THREADS);
});
