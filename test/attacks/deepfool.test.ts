import { expect, test } from "vitest";
import { floats } from "#onnx";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const linear: Linear = {
  weights: [
    [0.9, -0.4, 0.2],
    [-0.3, 0.6, 0.1],
    [0.1, 0.2, -0.8],
    [-0.6, -0.5, 0.4],
  ],
  bias: [0.05, 0.1, 0, -0.1],
};
const x = uniformPoints(30, 3, [0.4, 0.6], 3);
const y = labelsOf(linear, x);
const model = linearModel(linear.weights, linear.bias);
const bounds = [-100, 100] as const;

test("one step crosses a linear boundary by exactly the overshoot", async () => {
  const exact = nearestOf("l2", linear, x, y, bounds);
  for (const overshoot of [0.02, 0.5]) {
    const { distances, target } = await attacked(
      "deepfool",
      model,
      { x, y },
      { norm: "l2", bounds, params: { overshoot } },
    );
    distances.forEach((d, i) => {
      const expected = (1 + overshoot) * exact[i]!;
      expect(Math.abs(d - expected)).toBeLessThan(2e-5);
    });
    // Each of the three other classes at the start and after the step.
    expect(target.queries).toEqual({ forward: 0, gradient: 30 * 6, base: 0 });
  }
});

test("looks only at the likeliest classes, which it asks for where there are more", async () => {
  // The likelier class has the farther boundary.
  const steep = linearModel([[0], [0.1], [2]], [0, -0.2, -1.6]);
  const one = { x: floats([1, 1], [0.5]), y: new Int32Array(1) };
  const run = (candidates: number) =>
    attacked("deepfool", steep, one, {
      norm: "l2",
      bounds,
      params: { candidates },
    });
  const [two, three] = [await run(2), await run(3)];
  expect(two.target.queries.forward).toBe(1);
  expect(three.target.queries.forward).toBe(0);
  expect(two.distances[0]).toBeCloseTo(1.02 * 1.5, 4);
  expect(three.distances[0]).toBeCloseTo(1.02 * 0.3, 4);
});

test("without a gradient it stays where it is", async () => {
  const flat = linearModel(
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
    [1, 0],
  );
  const labels = new Int32Array(30);
  const { distances, target, examples } = await attacked(
    "deepfool",
    flat,
    { x, y: labels },
    { norm: "l2" },
  );
  expect(distances.every((d) => d === Number.POSITIVE_INFINITY)).toBe(true);
  expect(examples.data).toEqual(x.data);
  expect(target.queries.gradient).toBe(30);
});
