import { expect, test } from "vitest";
import { floats } from "#onnx";
import { linearModel } from "../reference.ts";
import { attacked } from "./attacked.ts";

// One number, a boundary at 10.5 from the left: every point that is tried is known.
const model = linearModel([[-1], [1]], [10.5, -10.5]);
const one = { x: floats([1, 1], [0]), y: new Int32Array(1) };
const bounds = [0, 100] as const;

test("the norm grows by a factor until the sample breaks and shrinks by one after", async () => {
  const nearestAfter = async (steps: number) => {
    const { distances, target } = await attacked("ddn", model, one, {
      norm: "l2",
      bounds,
      params: { steps, initialNorm: 0.05, gamma: 0.1 },
    });
    expect(target.queries).toEqual({ forward: 1, gradient: steps, base: 0 });
    return distances[0]!;
  };
  // 5, 5.5, ... up to the first beyond 10.5, which takes 8 factors of 1.1.
  expect(await nearestAfter(7)).toBe(Number.POSITIVE_INFINITY);
  expect(await nearestAfter(8)).toBeCloseTo(5 * 1.1 ** 8, 4);
  // Then down by 0.9 and up by 1.1 around the boundary: the nearest of
  // them all is kept.
  const steps = 40;
  let norm = 5;
  let nearest = Number.POSITIVE_INFINITY;
  for (let step = 0; step < steps; step++) {
    norm *= step > 0 && norm > 10.5 ? 0.9 : 1.1;
    if (norm > 10.5) nearest = Math.min(nearest, norm);
  }
  expect(await nearestAfter(steps)).toBeCloseTo(nearest, 3);
});

test("where the gradient has vanished it tries a random direction of the sample's own", async () => {
  // Cross-entropy is exactly 0 in float32 here, and so is its gradient.
  const sure = linearModel(
    [
      [-400, -400],
      [400, 400],
    ],
    [400, -400],
  );
  const x = floats([2, 2], [0.1, 0.1, 0.1, 0.1]);
  const y = new Int32Array(2);
  const run = (seed: number) =>
    attacked(
      "ddn",
      sure,
      { x, y },
      { norm: "l2", params: { steps: 300 }, seed },
    );
  const [a, b] = [await run(1), await run(1)];
  expect(a.examples.data).toEqual(b.examples.data);
  expect((await run(2)).examples.data).not.toEqual(a.examples.data);
  expect(a.distances.some(Number.isFinite)).toBe(true);
});
