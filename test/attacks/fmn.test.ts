import { describe, expect, test } from "vitest";
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
const x = uniformPoints(20, 4, [0.4, 0.6], 3);
const y = labelsOf(linear, x);
const model = linearModel(linear.weights, linear.bias);
const bounds = [-9, 9] as const;

describe.each(["l2", "linf", "l1"] as const)("%s", (norm) => {
  test("the first ball ends just beyond the linearised boundary", async () => {
    // Of the step, only the projection is left: it is longer than any ball here.
    const { distances, target } = await attacked(
      "fmn",
      model,
      { x, y },
      { norm, bounds, params: { steps: 1, maxStepSize: 100 } },
    );
    const exact = nearestOf(norm, linear, x, y, bounds);
    const direct = distances.flatMap((d, i) => (Number.isFinite(d) ? [i] : []));
    // For Linf the projected gradient is the sign only where no number is small.
    expect(direct.length).toBeGreaterThan(15);
    for (const i of direct) {
      expect(target.brokenAt[i]).toBe(2);
      const ratio = distances[i]! / exact[i]!;
      expect(Math.abs(ratio - 1.001)).toBeLessThan(1e-3);
    }
  });
});

test("where bounds cut every step, the ball grows until it crosses", async () => {
  // Only the last of nine numbers has room, and it has to move by a half.
  const slope = [-1, -1, -1, -1, -1, -1, -1, -1, 1];
  const cut = linearModel([slope.map(() => 0), slope], [0.5, 0]);
  const { distances } = await attacked(
    "fmn",
    cut,
    { x: uniformPoints(1, 9, [0, 0], 1), y: new Int32Array(1) },
    { norm: "l2", params: { minStepSize: 1 } },
  );
  expect(distances[0]).toBeGreaterThan(0.4999);
  expect(distances[0]).toBeLessThan(0.51);
});

test.each(["l2", "linf", "l1"] as const)(
  "%s: a sample beside the boundary is carried over it, however many numbers it has",
  async (norm) => {
    const slope = Array.from({ length: 4096 }, (_, k) => Math.sin(k + 1));
    const at = uniformPoints(1, slope.length, [0.5, 0.5], 1);
    const height = slope.reduce((sum, v) => sum + v * 0.5, 0);
    const near = linearModel([slope.map(() => 0), slope], [height + 1e-3, 0]);
    const { distances } = await attacked(
      "fmn",
      near,
      { x: at, y: new Int32Array(1) },
      { norm },
    );
    expect(distances[0]).toBeLessThan(Infinity);
  },
);

test("for L0 the ball changes by whole numbers", async () => {
  // Each number gives 0.1; three and a half of them are needed.
  const many = linearModel(
    [Array(30).fill(-0.1), Array(30).fill(0)],
    [0.35, 0],
  );
  const start = uniformPoints(1, 30, [0, 0], 1);
  const run = (steps: number) =>
    attacked(
      "fmn",
      many,
      { x: start, y: new Int32Array(1) },
      { norm: "l0", params: { steps, maxStepSize: 100, minStepSize: 100 } },
    );
  // Two numbers after the first gradient, three, four.
  expect((await run(2)).distances[0]).toBe(Number.POSITIVE_INFINITY);
  expect((await run(3)).distances[0]).toBe(4);
  expect((await run(20)).distances[0]).toBe(4);
});
