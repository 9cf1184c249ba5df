import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ballOf } from "#attacks";
import { Random } from "#core";
import { floats } from "#onnx";
import { climbWithMomentum } from "../../attacks/evasion/momentum.ts";
import { overScales } from "../../attacks/evasion/scaled.ts";
import { changed, drawChange } from "../../attacks/transfer/diversity.ts";
import { smoothed } from "../../attacks/transfer/smoothing.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const linear: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
  ],
  bias: [0.1, -0.05],
};

describe.each([
  ["bim", {}],
  ["mi-fgsm", {}],
  ["ni-fgsm", {}],
  ["ni-fgsm", { scales: 3 }],
])("%s %j", (id, params) => {
  test("on a linear model it breaks exactly what eps reaches", async () => {
    const x = uniformPoints(60, 6, [0.3, 0.7], 4);
    const y = labelsOf(linear, x);
    const needed = nearestOf("linf", linear, x, y);
    const [eps = 0] = [...needed].sort((a, b) => a - b).slice(30);
    const { distances, target } = await attacked(
      id,
      linearModel(linear.weights, linear.bias),
      { x, y },
      { norm: "linf", eps, bounds: [-9, 9], params },
    );
    needed.forEach((d, i) => {
      if (Math.abs(d - eps) > 0.01 * eps)
        expect(distances[i] !== Number.POSITIVE_INFINITY).toBe(d < eps);
    });
    expect(target.queries.forward).toBeLessThanOrEqual(60);
  });
});

describe("momentum", () => {
  test("adds gradients of length 1 to a share of the velocity, and looks ahead where it says so", async () => {
    const slopes = [
      [3, -1],
      [-1, -1],
      [0, 0],
    ];
    const walk = async (ahead: boolean) => {
      const seen: number[][] = [];
      const last = await climbWithMomentum({
        x: floats([1, 2], [0.5, 0.5]),
        ball: ballOf("linf", 0.4, [0, 1]),
        steps: 3,
        relStepSize: 0.25,
        decay: 0.5,
        ahead,
        open: () => [0],
        gradientAt: async (points, _, step) => {
          seen.push(Array.from(points.data));
          return floats([1, 2], slopes[step]!);
        },
        onProgress: () => {},
      });
      return { seen, last: Array.from(last.data) };
    };
    // Velocities: [.75, -.25], [-.125, -.625], [-.0625, -.3125].
    const plain = await walk(false);
    expect(plain.last[0]).toBeCloseTo(0.5 + 0.1 - 0.1 - 0.1, 6);
    expect(plain.last[1]).toBeCloseTo(0.5 - 0.3, 6);
    expect(plain.seen[1]?.[0]).toBeCloseTo(0.6, 6);
    const nesterov = await walk(true);
    expect(nesterov.last).toEqual(plain.last);
    expect(nesterov.seen[0]).toEqual([0.5, 0.5]);
    expect(nesterov.seen[1]?.[0]).toBeCloseTo(0.6 + 0.1 * 0.5 * 0.75, 6);
  });

  test("the mean over scaled copies is the gradient of their mean loss", async () => {
    // The loss v^2 at v / 2^k has the slope 2 v / 4^k.
    const mean = await overScales(
      floats([1, 2], [1, -3]),
      3,
      async (copies) => ({
        ...copies,
        data: copies.data.map((v) => 2 * v),
      }),
    );
    const share = (1 + 1 / 4 + 1 / 16) / 3;
    expect(mean.data[0]).toBeCloseTo(2 * share, 6);
    expect(mean.data[1]).toBeCloseTo(-6 * share, 6);
  });
});

describe("diverse inputs", () => {
  const shape = [2, 7, 9];
  const size = 2 * 7 * 9;
  const image = (seed: number) => {
    const random = new Random(seed);
    return Float32Array.from({ length: size }, () => random.uniform());
  };

  test("the adjoint is the adjoint", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 0.2, max: 1, noNaN: true }),
        (seed, least) => {
          const change = drawChange(
            shape,
            { probability: 1, least },
            new Random(seed),
          );
          const [a, b] = [image(1), image(2)];
          const dot = (u: Float32Array, v: Float32Array) =>
            u.reduce((sum, w, i) => sum + w * v[i]!, 0);
          expect(dot(change?.apply(a) as Float32Array, b)).toBeCloseTo(
            dot(a, change?.adjoint(b) as Float32Array),
            3,
          );
        },
      ),
    );
  });

  test("a grey image stays grey where it is, among zeros, and as often as it says", () => {
    const draws = Array.from({ length: 400 }, (_, seed) =>
      drawChange(shape, { probability: 0.25, least: 0.5 }, new Random(seed)),
    );
    const made = draws.filter((d) => d !== null);
    expect(made.length).toBeGreaterThan(70);
    expect(made.length).toBeLessThan(130);
    const areas = made.map((change) => {
      const grey = change.apply(new Float32Array(size).fill(0.5));
      for (const v of grey)
        expect([0, 0.5]).toContain(Math.round(v * 1e5) / 1e5);
      return grey.filter((v) => v > 0).length / 2;
    });
    expect(Math.min(...areas)).toBeGreaterThanOrEqual(3 * 3);
    expect(Math.max(...areas)).toBe(7 * 9);
    const rows = floats([2, ...shape], [...image(3), ...image(4)]);
    expect(changed(rows, [null, null], "apply")).toEqual(rows);
  });
});

test("smoothing is a convolution with a Gaussian of unit sum", () => {
  const impulse = floats([1, 1, 9, 9], new Float32Array(81));
  impulse.data[40] = 1;
  const { data } = smoothed(impulse, 5);
  expect(data.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  // Places -3, -1.5, 0, 1.5 and 3 of a normal density.
  const weights = [-3, -1.5, 0, 1.5, 3].map((v) => Math.exp((-v * v) / 2));
  const total = weights.reduce((a, b) => a + b, 0);
  for (const [r, a] of weights.entries())
    for (const [c, b] of weights.entries())
      expect(data[(2 + r) * 9 + 2 + c]).toBeCloseTo((a * b) / total ** 2, 5);
  expect(smoothed(impulse, 1)).toBe(impulse);
});
