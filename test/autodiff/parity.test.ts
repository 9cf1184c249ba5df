import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { type Feeds, onnxruntime, type Session } from "#engine";
import {
  emptyGraph,
  encodeModel,
  floats,
  type Graph,
  GraphBuilder,
  int64s,
  rows,
  type Tensor,
} from "#onnx";
import {
  differentiate,
  exportedNames,
  readExported,
  relative,
} from "../exported.ts";

// The same gradients, whatever onnxruntime makes of the graph: fused or as it
// is written, with one thread or two, samples together or one at a time.

/** What sums in another order may differ by, as a share of the largest number. */
const SAME = 2e-5;

async function asWritten(graph: Graph, feeds: Feeds) {
  const session = await ort.InferenceSession.create(encodeModel(graph), {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 4,
  });
  const given = Object.entries(feeds).map(([name, t]) => [
    name,
    new ort.Tensor(t.type as "float32", t.data as Float32Array, t.dims),
  ]);
  const outputs = await session.run(Object.fromEntries(given));
  await session.release();
  return outputs as unknown as Record<string, Tensor>;
}

const row = (t: Tensor, i: number) => rows(t as Tensor<"float32">, i, i + 1);

async function run(graph: Graph, feeds: Feeds, threads?: number) {
  const session = await onnxruntime.load(graph, { threads });
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

describe.each(exportedNames)("%s", (name) => {
  const model = readExported(name);
  const feeds: Feeds = { ...model.inputs, cotangent: model.cotangent };
  const { graph, gradients } = differentiate(model);
  const names = [...new Set(gradients.values())];

  let session: Session;
  let fused: Record<string, Tensor>;
  beforeAll(async () => {
    session = await onnxruntime.load(graph, { threads: 2 });
    fused = await session.run(feeds);
  });
  afterAll(() => session.release());

  test("fused as it is written", async () => {
    const plain = await asWritten(graph, feeds);
    for (const g of names)
      expect(relative(fused[g], plain[g]!), g).toBeLessThan(SAME);
  });

  test("with one thread as with two", async () => {
    const one = await run(graph, feeds, 1);
    for (const g of names)
      expect(relative(fused[g], one[g]!), g).toBeLessThan(SAME);
  });

  const n = model.cotangent.dims[0] ?? 1;
  const free = graph.inputs.every((i) => i.dims?.[0] === "batch");
  const ofInputs = [...new Set(Object.keys(model.gradients))].filter(
    (place) => place !== "embedding",
  );
  if (n > 1 && free && ofInputs.length > 0)
    test("samples together as one at a time", async () => {
      for (let i = 0; i < n; i++) {
        const alone = await session.run(
          Object.fromEntries(
            Object.entries(feeds).map(([k, t]) => [k, row(t, i)]),
          ),
        );
        for (const place of ofInputs) {
          const g = gradients.get(place) as string;
          const own = row(fused[g]!, i);
          expect(relative(alone[g], own), `${place} of ${i}`).toBeLessThan(
            SAME,
          );
        }
      }
    });
});

test("a table looked up a hundred thousand times with the same rows gets the same sums from one thread and two", async () => {
  const count = 100_000;
  const random = new Random(1);
  const b = new GraphBuilder(emptyGraph("duplicates"));
  b.input({ name: "table", type: "float32", dims: [7, 3] });
  const ids = Array.from({ length: count }, () => random.below(7));
  const y = b.op("Gather", ["table", b.constant(int64s(ids))]);
  b.input({ name: "seed", type: "float32", dims: [count, 3] });
  const result = gradient(b.build([y]), {
    of: y,
    wrt: ["table"],
    seed: "seed",
  });
  const seed = Float32Array.from({ length: count * 3 }, () => random.normal());
  const feeds = {
    table: floats([7, 3], new Float32Array(21)),
    seed: floats([count, 3], seed),
  };
  const sums = new Float64Array(21);
  ids.forEach((row, i) => {
    for (let k = 0; k < 3; k++) sums[row * 3 + k]! += seed[i * 3 + k]!;
  });
  const wanted = floats([7, 3], Float32Array.from(sums));
  for (const threads of [1, 2]) {
    const outputs = await run(result.graph, feeds, threads);
    const seen = outputs[result.gradients.get("table") as string];
    expect(relative(seen, wanted), `${threads} threads`).toBeLessThan(1e-4);
  }
});
