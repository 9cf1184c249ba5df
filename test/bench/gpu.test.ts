import { describe, expect, test } from "vitest";
import type { Device } from "#engine";
import { emptyGraph, type Graph, GraphBuilder, int } from "#onnx";
import { graphsOf, models } from "../../bench/gpu/graphs.ts";
import { gpu } from "../../bench/gpu/index.ts";
import {
  fallbacksOf,
  type Provider,
  readSupport,
} from "../../bench/gpu/placement.ts";

const support = readSupport();

const found = (graph: Graph, provider: Provider) =>
  fallbacksOf(graph, provider, support).map((f) => `${f.operator}: ${f.why}`);

function graphOf(opset: number, build: (b: GraphBuilder) => string): Graph {
  const plain = { ...emptyGraph("one"), opsets: new Map([["", opset]]) };
  const b = new GraphBuilder(plain);
  b.input({ name: "x", type: "float32", dims: [2, 3] });
  b.input({ name: "flags", type: "bool", dims: [2, 3] });
  return b.build([build(b)]);
}

describe("what a provider has a kernel for", () => {
  test("by the version that an operator has in the graph", () => {
    const equal = (b: GraphBuilder) => b.op("Equal", ["x", "x"]);
    expect(found(graphOf(18, equal), "cuda")).toEqual([]);
    expect(found(graphOf(19, equal), "cuda")).toEqual(["Equal: version"]);
    expect(found(graphOf(19, equal), "directml")).toEqual([]);
  });

  test("by types, each of its own input", () => {
    const where = (b: GraphBuilder) => b.op("Where", ["flags", "x", "x"]);
    expect(found(graphOf(18, where), "cuda")).toEqual([]);
    const flags = (b: GraphBuilder) =>
      b.op("Where", ["flags", "flags", "flags"]);
    expect(found(graphOf(18, flags), "cuda")).toEqual(["Where: types"]);
  });

  test("by what has to be constant", () => {
    const product = (b: GraphBuilder) =>
      b.op("Gemm", ["x", "x"], { transB: int(1) });
    expect(found(graphOf(18, product), "coreml")).toEqual([
      "Gemm: not constant",
    ]);
  });

  test("shapes are passed over", () => {
    const shape = (b: GraphBuilder) =>
      b.reshape("x", b.op("Neg", [b.op("Neg", [b.shapeOf("x")])]));
    expect(found(graphOf(18, shape), "webgpu")).not.toContain("Neg: not asked");
  });
});

/**
 * What is left to the CPU of what is loaded of the models of the benchmark and of some
 * that exporters wrote. docs/models.md says what it means.
 */
const left: readonly (readonly [Provider, Device, readonly string[]])[] = [
  ["cuda", "cuda", ["ArgMax: types", "Equal: version", "Pad: version"]],
  ["directml", "directml", ["ScatterElements: version"]],
  [
    "webgpu",
    "webgpu",
    [
      "Add: no kernel",
      "Cast: no kernel",
      "Concat: no kernel",
      "Equal: no kernel",
      "Expand: no kernel",
      "GatherND: no kernel",
      "Less: no kernel",
      "Mul: no kernel",
      "ReduceSum: no kernel",
      "Reshape: no kernel",
      "Unsqueeze: no kernel",
      "Where: no kernel",
    ],
  ],
];

const chosen =
  /^(lenet|resnet18|bert-mini|(deit|gpt2|mobilenet-v3)\.dynamo\.onnx)$/;

test.each(left)(
  "%s leaves little of it to the CPU",
  async (provider, device, expected) => {
    const seen = new Set<string>();
    const kinds = new Map<string, number>();
    for await (const [name, model] of models((name) => chosen.test(name)))
      for (const { kind, graph } of await graphsOf(model, device)) {
        // A form that is "not asked" needs an adapter: npm run bench -- gpu --ask.
        for (const one of found(graph, provider)) seen.add(one);
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        if (provider === "cuda" && !name.endsWith(".onnx"))
          expect(found(graph, provider), `${name} ${kind}`).toEqual([]);
      }
    expect([...kinds]).toEqual([
      ["forward", 6],
      ["attack", 6],
      ["training", 6],
    ]);
    expect([...seen].sort()).toEqual(expected);
  },
);

test("of what WebGPU computes only whole numbers are left to the CPU", () => {
  const floats = [...support.asked]
    .filter(([form, has]) => !has && /float32/.test(form) && !/int/.test(form))
    .map(([form]) => form.split(" ")[0]);
  expect([...new Set(floats)].sort()).toEqual([
    "Attention",
    "ConvTranspose",
    "IsNaN",
    "Round",
    "Selu",
    "Sign",
  ]);
});

test("the table for a device is printed, here for the CPU alone", async () => {
  const lines: string[] = [];
  await gpu({
    device: "cpu",
    rounds: 1,
    only: ["lenet"],
    print: (line) => lines.push(line),
  });
  expect(lines[0]).toMatch(/^onnxruntime-node /);
  const rows = lines.slice(-3).map((line) => line.split(/\s+/).slice(0, 3));
  expect(rows.map(([name, step]) => `${name} ${step}`)).toEqual([
    "lenet forward",
    "lenet attack",
    "lenet training",
  ]);
  for (const [, , ms] of rows) expect(Number(ms)).toBeGreaterThan(0);
});
