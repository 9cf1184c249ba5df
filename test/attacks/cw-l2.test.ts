import { expect, test } from "vitest";
import { floats } from "#onnx";
import { adamFrom, adamStep } from "../../attacks/evasion/adam.ts";
import {
  isStalled,
  nextConstant,
  searchFrom,
} from "../../attacks/evasion/constants.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const linear: Linear = {
  weights: [
    [0.9, -0.4, 0.2, 0.3],
    [-0.3, 0.6, 0.1, -0.5],
  ],
  bias: [0.05, 0.1],
};
const x = uniformPoints(12, 4, [0.4, 0.6], 3);
const y = labelsOf(linear, x);
const model = linearModel(linear.weights, linear.bias);

test("Adam takes the steps of the paper", () => {
  let adam = adamFrom(Float32Array.of(1, 1));
  adam = adamStep(adam, Float32Array.of(5, -0.001), 0.1);
  // The first step is as long as the rate, whatever the gradient.
  expect(adam.value[0]).toBeCloseTo(0.9, 6);
  expect(adam.value[1]).toBeCloseTo(1.1, 5);
  adam = adamStep(adam, Float32Array.of(-5, -0.001), 0.1);
  // m = (0.9 * 0.5 - 0.5) / 0.19, v = 25.
  expect(adam.value[0]).toBeCloseTo(0.9 + (0.1 * 0.05) / 0.19 / 5, 6);
  expect(adam.value[1]).toBeCloseTo(1.2, 5);
});

test("the constant grows tenfold until it breaks the sample and is halved in between after", () => {
  let search = searchFrom(0.001);
  const tried = [];
  // Whatever is above 0.3 breaks it.
  for (let i = 0; i < 7; i++) {
    tried.push(search.c);
    search = nextConstant(search, search.c > 0.3);
  }
  expect(tried.map((c) => Number(c.toPrecision(6)))).toEqual([
    0.001, 0.01, 0.1, 1, 0.55, 0.325, 0.2125,
  ]);
});

test("a search stalls when a tenth of its iterations gained nothing", () => {
  const at = { iteration: 1, checked: Number.POSITIVE_INFINITY };
  expect(isStalled(at, 5, 100)).toBe(false);
  expect(isStalled({ ...at, iteration: 6 }, 5, 100)).toBe(false);
  at.iteration = 11;
  expect(isStalled(at, 4, 100)).toBe(false);
  at.iteration = 21;
  expect(isStalled(at, 3.9999, 100)).toBe(true);
  expect(isStalled({ iteration: 31, checked: 4 }, Number.NaN, 100)).toBe(true);
});

test("an example of some confidence is as far as its margin needs", async () => {
  const params = { binarySearchSteps: 9, maxIterations: 600 };
  const run = (confidence: number) =>
    attacked(
      "cw-l2",
      model,
      { x, y },
      { norm: "l2", params: { ...params, confidence } },
    );
  const { logits, examples } = await run(0.2);
  const shifted = Array.from(y, (label, i) => {
    const other = {
      ...linear,
      bias: linear.bias.map((b, k) => (k === label ? b + 0.2 : b)),
    };
    const one = floats([1, 4], x.data.subarray(4 * i, 4 * i + 4));
    return nearestOf("l2", other, one, Int32Array.of(label), [0, 1])[0]!;
  });
  shifted.forEach((exact, i) => {
    const label = y[i]!;
    const z = (k: number) => logits.data[2 * i + k]!;
    expect(z(1 - label) - z(label)).toBeGreaterThanOrEqual(0.2 - 1e-5);
    const moved = Math.hypot(
      ...Array.from(
        { length: 4 },
        (_, k) => examples.data[4 * i + k]! - x.data[4 * i + k]!,
      ),
    );
    expect(moved).toBeGreaterThan(exact * 0.999);
    expect(moved).toBeLessThan(exact * 1.02);
  });
  // Without it the same search ends nearer.
  const plain = await run(0);
  plain.distances.forEach((d, i) => {
    expect(d).toBeLessThan(shifted[i]!);
  });
});

test("a search that gains nothing is given up early, one of each sample by itself", async () => {
  const params = { binarySearchSteps: 4, maxIterations: 400 };
  const run = (rows: number, abortEarly: boolean) =>
    attacked(
      "cw-l2",
      model,
      {
        x: floats([rows, 4], x.data.subarray(0, 4 * rows)),
        y: y.subarray(0, rows),
      },
      { norm: "l2", params: { ...params, abortEarly } },
    );
  const early = await run(12, true);
  const late = await run(12, false);
  expect(late.target.queries.gradient).toBe(12 * 4 * 400);
  expect(early.target.queries.gradient).toBeLessThan(0.7 * 12 * 4 * 400);
  const fewer = await run(5, true);
  expect(fewer.distances).toEqual(early.distances.slice(0, 5));
});

test("the Linf attack comes within a grey level of the nearest, from above", async () => {
  const exact = nearestOf("linf", linear, x, y, [0, 1]);
  const { distances, target } = await attacked(
    "cw-linf",
    model,
    { x, y },
    { norm: "linf", params: { initialConst: 0.01, maxIterations: 300 } },
  );
  distances.forEach((d, i) => {
    expect(d).toBeGreaterThan(0.999 * exact[i]!);
    // The limit falls by tenths.
    expect(d).toBeLessThan(1.12 * exact[i]! + 1 / 256);
  });
  expect(target.queries.gradient).toBeGreaterThan(0);
  const few = await attacked(
    "cw-linf",
    model,
    { x, y },
    { norm: "linf", queries: 11 },
  );
  expect(few.target.queries.gradient).toBe(12 * 11);
});
