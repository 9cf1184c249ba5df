import { expect, test } from "vitest";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { floats } from "#onnx";
import { contradictions } from "../../../src/audit/models/own-labels.ts";
import { linearModel } from "../../reference.ts";

/** Twenty samples, which the model says are of the first class where x is above 0.5. */
const x = floats(
  [20, 1],
  Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 0.9 : 0.1)),
);
const data = { x, y: new Int32Array(20) } as unknown as Dataset;
const model = linearModel([[1], [-1]], [-0.5, 0.5]);

/** What the file says where it contradicts so many of the model's answers. */
const saying = (wrong: number) =>
  Int32Array.from(x.data, (v, i) => Number(v < 0.5 !== i < wrong));

test("the file's own labels are compared with the largest scores", async () => {
  const compiled = await compile(model, onnxruntime);
  const seen = (wrong: number) =>
    contradictions(compiled, data, "svc", saying(wrong));
  expect(await seen(0)).toEqual([]);
  expect(await seen(1)).toEqual([
    "svc: the file's own output of labels names another class than the largest score for 1 of 20 test samples (5.0 %).",
  ]);
  await expect(seen(3)).rejects.toThrow("for 3 of 20 test samples");
  await compiled.release();
});
