import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type Model, modelOf } from "#model";
import { emptyGraph, floats, GraphBuilder, int, int64s } from "#onnx";
import { optimizers } from "#tuning";
import { lookupsOf } from "../../src/tuning/lookups.ts";
import { openStep } from "../../src/tuning/step.ts";

const [HEIGHT, WIDTH, LENGTH] = [7, 3, 4];
const trained = ["words", "places", "head"];

/**
 * Words and places looked up, averaged, and weighed. `twice` has the tables read by
 * something else as well, which changes nothing.
 */
function textModel(seed: number, twice: boolean): Model {
  const random = new Random(seed);
  const b = new GraphBuilder(emptyGraph("text"));
  const weight = (name: string, dims: number[]) => {
    const size = dims.reduce((p, d) => p * d, 1);
    const values = Float32Array.from({ length: size }, () => random.normal());
    return b.constant(floats(dims, values), name);
  };
  b.input({ name: "x", type: "int64", dims: ["batch", LENGTH] });
  const words = weight("words", [HEIGHT, WIDTH]);
  const places = weight("places", [5, WIDTH]);
  const head = weight("head", [WIDTH, 2]);
  const at = b.constant(int64s([0, -1, 3, 3]));
  let v = b.add(
    b.op("Gather", [words, "x"], { axis: int(0) }),
    b.op("Gather", [places, at], { axis: int(0) }),
  );
  for (const table of twice ? [words, places] : [])
    v = b.add(v, b.mul(b.reduceSum(table, [0]), 0));
  const mean = b.op("ReduceMean", [b.op("Tanh", [v]), b.ints([1])], {
    keepdims: int(0),
  });
  return modelOf(b.build([b.matmul(mean, head)]), "text", {
    input: { shape: [LENGTH] },
  });
}

async function trainedWeights(model: Model, ids: readonly number[]) {
  const unit = optimizers[0]!;
  const step = await openStep(
    model,
    new Map(trained.map((n) => [n, 1])),
    {
      settings: {
        optimizer: { unit, params: unit.params.parse({ weightDecay: 0.1 }) },
        clipNorm: 0.5,
        batchNorm: "frozen",
      },
    },
    onnxruntime,
  );
  const n = ids.length / LENGTH;
  const y = Int32Array.from({ length: n }, (_, i) => i % 2);
  // Other rows at each step.
  for (let i = 0; i < 3; i++) {
    const other = ids.map((id) => (Math.abs(id) + 2 * i) % 5);
    const x = int64s(i === 0 ? [...ids] : other, [n, LENGTH]);
    await step.take({ x, y }, 0.5);
  }
  await step.release();
  return trained.map((name) => [...(step.weights.get(name)?.data ?? [])]);
}

test("tables of which rows are looked up move as tables that are differentiated whole", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 99 }),
      fc.array(fc.integer({ min: -HEIGHT, max: HEIGHT - 1 }), {
        minLength: 2 * LENGTH,
        maxLength: 2 * LENGTH,
      }),
      async (seed, ids) => {
        const seen = await trainedWeights(textModel(seed, false), ids);
        const whole = await trainedWeights(textModel(seed, true), ids);
        seen.flat().forEach((v, i) => {
          expect(v).toBeCloseTo(whole.flat()[i]!, 5);
        });
      },
    ),
    { numRuns: 10 },
  );
});

test("a table that something else reads is differentiated whole", () => {
  const found = (twice: boolean) => [
    ...lookupsOf(textModel(1, twice).graph, trained).keys(),
  ];
  expect(found(false)).toEqual(["words", "places"]);
  expect(found(true)).toEqual([]);
});
