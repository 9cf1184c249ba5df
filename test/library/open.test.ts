import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { floats } from "#onnx";
import { dataset, evaluate, open } from "../../src/index.ts";
import { draw, linearModel, reference, smallDigits } from "../reference.ts";

const linear = linearModel(
  [
    [2, 0],
    [0, 1],
    [-1, -1],
  ],
  [0, 0.1, 0.5],
);

test("an open model answers as the engine does", async () => {
  const model = await reference();
  const { test: data } = await smallDigits();
  const opened = await open(model, { threads: 1 });
  const compiled = await compile(model, onnxruntime);
  const logits = await compiled.logits(data.x);
  expect(await opened.logits(data.x)).toEqual(logits);
  const said = await opened.predict(data.x);
  expect(said.length).toBe(data.y.length);
  const { accuracy, correct } = await evaluate(opened, data);
  expect(correct).toEqual(Array.from(data.y, (k, i) => said[i] === k));
  expect(accuracy.n).toBe(data.y.length);
  expect(accuracy.value).toBe(correct.filter(Boolean).length / correct.length);
  expect(accuracy.low).toBeLessThan(accuracy.value);
  await opened.release();
  await compiled.release();
});

test("a loss can be chosen", async () => {
  const opened = await open(linear);
  const x = floats([1, 2], [0.5, 0.25]);
  const plain = await opened.lossGradient(x, [0]);
  const { loss, gradient } = await opened.lossGradient(x, [0], {
    loss: "margin",
  });
  // The best other logit less that of the class.
  expect(loss[0]).toBeCloseTo(0.35 - 1, 6);
  expect(Array.from(gradient.data)).toEqual([-2, 1]);
  expect(plain.loss[0]).toBeGreaterThan(0);
  await opened.release();
});

test("a released model says so, and may be released again", async () => {
  const opened = await open(linear);
  await opened[Symbol.asyncDispose]();
  await opened.release();
  await expect(opened.logits(floats([1, 2], [0, 0]))).rejects.toMatchObject({
    code: "MODEL_RELEASED",
  });
});

const x = floats([2, 2], [0.5, 0.25, 1, 0]);

test.each([
  [
    "another shape",
    floats([2, 3], new Array(6).fill(0)),
    [0, 1],
    "INPUT_SHAPE",
  ],
  ["no samples", floats([0, 2], []), [], "INPUT_SHAPE"],
  ["not a number", floats([1, 2], [Number.NaN, 0]), [0], "INPUT_VALUE"],
  ["out of bounds", floats([1, 2], [1.5, 0]), [0], "INPUT_VALUE"],
  ["a label out of range", x, [0, 3], "INPUT_LABEL"],
  ["a label that is not whole", x, [0, 0.5], "INPUT_LABEL"],
  ["too few labels", x, [0], "INPUT_LABEL"],
  [
    "targets for a classifier",
    x,
    floats([2, 3], new Array(6).fill(0)),
    "INPUT_LABEL",
  ],
] as const)("%s is refused in one line", async (_, bad, y, code) => {
  const data = "dims" in y ? { x: bad, targets: y } : { x: bad, y };
  await expect(evaluate(linear, data)).rejects.toMatchObject({
    name: "AssayError",
    code,
    message: expect.not.stringContaining("\n"),
  });
});

test("a dataset from arrays is checked", () => {
  const made = { name: "mine", x, classes: ["a", "b", "c"] };
  expect(dataset({ ...made, y: [0, 2] }).y).toEqual(Int32Array.of(0, 2));
  for (const [input, code] of [
    [{ ...made, y: [0] }, "DATA_COUNT"],
    [{ ...made, y: [0, 3] }, "DATA_LABEL"],
    [{ ...made, y: [0, 0.5] }, "DATA_LABEL"],
    [{ ...made, y: [0, 1], x: draw(1, [2, 2], 10) }, "DATA_VALUE"],
    [{ ...made, y: [0, 1], classes: ["a", "a"] }, "DATA_CLASSES"],
  ] as const)
    expect(() => dataset(input)).toThrow(expect.objectContaining({ code }));
});

test("memory does not grow with models that were opened and released", async () => {
  // A megabyte of weights each: 1,000 that are kept would take a gigabyte or more.
  const width = 2 ** 16;
  const rows = [0, 1, 2, 3].map((k) => new Array(width).fill(k / width));
  const model = linearModel(rows, [0, 0, 0, 0]);
  const x = floats([1, width], new Float32Array(width).fill(0.5));
  const many = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const opened = await open(model, { threads: 1 });
      await opened.logits(x);
      if (i % 20 === 0) await opened.lossGradient(x, [0]);
      await opened.release();
    }
    return process.memoryUsage().rss;
  };
  const before = await many(50);
  const after = await many(1000);
  expect(after - before).toBeLessThan(200e6);
});
