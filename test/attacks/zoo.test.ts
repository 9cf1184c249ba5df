import { expect, test } from "vitest";
import {
  coordinatesFrom,
  stepCoordinates,
} from "../../attacks/evasion/coordinates.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const STEEP = 20;
const linear: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
  ].map((w) => w.map((v) => STEEP * v)),
  bias: [0.1, -0.05].map((v) => STEEP * v),
};
const model = linearModel(linear.weights, linear.bias);

test("each number has steps and means of its own", () => {
  const adam = coordinatesFrom(Float32Array.of(1, 1, 1));
  stepCoordinates(adam, [0, 2], [5, -0.001], 0.1);
  stepCoordinates(adam, [2], [-0.001], 0.1);
  // A first step, and one along the same slope, are as long as the rate.
  expect(adam.value[0]).toBeCloseTo(0.9, 5);
  expect(adam.value[1]).toBe(1);
  expect(adam.value[2]).toBeCloseTo(1.2, 4);
  expect(Array.from(adam.steps)).toEqual([1, 0, 2]);
});

test.each([
  ["inside the bounds", [0.3, 0.7], 6, 1.01, 12],
  ["at the bounds", [0, 0.15], 6, 1.01, 12],
  ["half of the numbers at a time", [0.3, 0.7], 3, 1.02, 11],
] as const)(
  "on a linear model it finds the nearest example %s, by scores alone",
  async (_, range, coordinates, close, count) => {
    const x = uniformPoints(12, 6, range, 5);
    const y = labelsOf(linear, x);
    const exact = nearestOf("l2", linear, x, y, [0, 1]);
    const { distances, target, examples } = await attacked(
      "zoo",
      model,
      { x, y },
      { norm: "l2", params: { maxIterations: 600, coordinates } },
    );
    const ratios = distances.map((d, i) => d / exact[i]!);
    expect(Math.min(...ratios)).toBeGreaterThan(0.999);
    expect(ratios.filter((r) => r < close).length).toBeGreaterThanOrEqual(
      count,
    );
    expect(target.queries.gradient).toBe(0);
    expect(examples.data.every((v) => v >= 0 && v <= 1)).toBe(true);
  },
);

test("keeps to a budget of queries, and leaves what is broken", async () => {
  const x = uniformPoints(20, 6, [0.3, 0.7], 5);
  const y = labelsOf(linear, x);
  const exact = nearestOf("l2", linear, x, y, [0, 1]);
  const [eps = 0] = [...exact].sort((a, b) => a - b).slice(10);
  const ask = (queries: number, eps: number) =>
    attacked("zoo", model, { x, y }, { norm: "l2", eps, queries });
  const few = await ask(100, 1e-6);
  expect(few.target.queries.forward).toBeLessThanOrEqual(20 * 100);
  // 13 queries a step.
  expect(few.target.queries.forward).toBe(20 * 7 * 13);
  const wide = await ask(100_000, 1.5 * eps);
  const broken = wide.distances.filter(Number.isFinite).length;
  expect(broken).toBeGreaterThanOrEqual(10);
  expect(wide.target.queries.forward).toBeLessThan(20 * 20_000);
});
