import { expect, test } from "vitest";
import { AssayError } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { renderMarkdown } from "#reports";
import { asShipped } from "../../../src/audit/models/as-shipped.ts";
import { linearModel } from "../../reference.ts";
import { exampleResults } from "../../reports/results.ts";

const x = floats(
  [20, 1],
  Float32Array.from({ length: 20 }, (_, i) => i / 20),
);
const targets = floats([20, 2], new Float32Array(40));
const data: Pick<Dataset, "x" | "targets"> = { x };

/** Outputs x and -x. */
const plain = linearModel([[1], [-1]], [0, 0]);

/** What is found where a file answers so. */
async function found(
  outputs: (row: number) => readonly number[],
  model: Model = plain,
  samples = data,
) {
  const compiled = await compile(model, onnxruntime);
  const given: FloatTensor = floats(
    [20, 2],
    Array.from({ length: 20 }, (_, i) => outputs(i)).flat(),
  );
  const look = await asShipped(compiled, samples as Dataset, "m", async () => ({
    outputs: given,
    by: "onnxruntime",
  }));
  await compiled.release();
  return look;
}

const same = (i: number) => [i / 20, -i / 20];

test("classes that are the same are compared, and nothing is said of them", async () => {
  expect(await found(same)).toEqual({
    warnings: [],
    faults: [],
    shipped: { compared: 20, apart: 0, by: "onnxruntime", why: null },
  });
});

test("one sample may be rounded otherwise, more are a fault", async () => {
  const but = (wrong: number) => (i: number) =>
    i > 0 && i <= wrong ? [-1, 1] : same(i);
  const one = await found(but(1));
  expect(one.warnings.join()).toContain("on 1 of 20 samples");
  expect(one.faults).toEqual([]);
  const two = await found(but(2));
  expect(two.faults.join()).toContain("on 2 of 20 samples");
  expect(two.shipped?.apart).toBe(2);
});

test("a label that holds in one and not in the other, where both are wrong", async () => {
  const model: Model = { ...plain, task: { kind: "multi-label", flips: 1 } };
  const wanted = { x, targets: floats([20, 2], new Float32Array(40).fill(1)) };
  // The second label is wrong in both; the first, less so, in the file alone.
  const first = (z: number) => (i: number) =>
    i === 0 ? same(i) : [z, -i / 20];
  const other = await found(first(-0.001), model, wanted);
  expect(other.shipped?.apart).toBe(19);
  const alike = await found(first(0.001), model, wanted);
  expect(alike.shipped?.apart).toBe(0);
});

test("values that lie apart by more than the tolerance, where both are wrong", async () => {
  const model: Model = {
    ...plain,
    task: { kind: "regression", tolerance: 0.01 },
  };
  const shifted = (by: number) => (i: number) => [i / 20 + by, -i / 20];
  const wanted = { x, targets };
  const near = await found(shifted(0), model, wanted);
  expect(near.shipped?.apart).toBe(0);
  const far = await found(shifted(0.02), model, wanted);
  expect(far.shipped?.apart).toBe(20);
});

test("what cannot be run is said in results and reports", async () => {
  const compiled = await compile(plain, onnxruntime);
  const look = await asShipped(compiled, data as Dataset, "m", async () => {
    throw new AssayError("ENGINE_LOAD", "onnxruntime refuses it", "Export it.");
  });
  await compiled.release();
  expect(look.warnings.join()).toContain("onnxruntime refuses it");
  const { shipped } = look;
  expect(shipped).toMatchObject({ compared: 0, why: "onnxruntime refuses it" });
  const results = exampleResults();
  const candidates = results.candidates.map((c) => ({ ...c, shipped }));
  expect(renderMarkdown({ ...results, candidates })).toContain(
    "not compared with the graph that was attacked: onnxruntime refuses it",
  );
});
