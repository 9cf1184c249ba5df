import { join } from "node:path";
import { expect, test } from "vitest";
import { classesAsGiven, loadModel } from "#model";
import {
  emptyGraph,
  float,
  floats,
  type Graph,
  GraphBuilder,
  int,
  typeCodes,
  writeModel,
} from "#onnx";
import { temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/** x times a number, in halves: what is too small for them is 0 where it leaves. */
function scaled(by: number): Graph {
  const b = new GraphBuilder({
    ...emptyGraph("halves"),
    inputs: [{ name: "x", type: "float32", dims: ["batch", 3] }],
  });
  const small = b.op("Mul", [
    b.op("Mul", ["x", b.constant(floats([], [by]))]),
    b.constant(floats([], [by])),
  ]);
  b.rename(b.op("Cast", [small], { to: int(typeCodes.float16) }), "logits");
  return b.build(["logits"]);
}

const x = floats([4, 3], [0.9, 0.1, 0, 0, 0.8, 0.1, 0, 0, 0.7, 0.3, 0.2, 0.9]);

async function given(by: number): Promise<Int32Array | undefined> {
  const path = join(folder, `halves-${by}.onnx`);
  writeModel(path, scaled(by));
  const options = { classes: ["a", "b", "c"] };
  return classesAsGiven(path, options, await loadModel(path, options), x);
}

test("a file computes in its own types: what underflows in halves says one class for everything", async () => {
  expect([...((await given(0.5)) ?? [])]).toEqual([0, 1, 2, 2]);
  expect([...((await given(1e-4)) ?? [])]).toEqual([0, 0, 0, 0]);
});

test("a file that stands in floats, behind stated preprocessing, says what its model says", async () => {
  const b = new GraphBuilder({
    ...emptyGraph("floats"),
    inputs: [{ name: "x", type: "float32", dims: [1, 3] }],
  });
  b.rename(b.op("LeakyRelu", ["x"], { alpha: float(0.5) }), "logits");
  const path = join(folder, "floats.onnx");
  writeModel(path, b.build(["logits"]));
  const options = { classes: ["a", "b", "c"], input: { mean: 1 } };
  const model = await loadModel(path, options);
  expect([...((await classesAsGiven(path, options, model, x)) ?? [])]).toEqual([
    0, 1, 2, 2,
  ]);
});
