import { describe, expect, test } from "vitest";
import { ballOf } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, grantAccess, type Target } from "#model";
import type { FloatTensor } from "#onnx";
import {
  cosineWave,
  lowNoise,
  lowWaves,
} from "../../attacks/evasion/cosines.ts";
import { estimated } from "../../attacks/evasion/estimate.ts";
import { rowOf } from "../../attacks/evasion/vectors.ts";
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

describe("slopes from scores", () => {
  const draws = {
    normal: (random: Random) => random.normal(),
    signs: (random: Random) => (random.uniform() < 0.5 ? -1 : 1),
  };

  test.each(["normal", "signs"] as const)(
    "with %s directions they are unbiased",
    async (kind) => {
      const pairs = 4000;
      const x = uniformPoints(2, 6, [0.3, 0.7], 4);
      const y = labelsOf(linear, x);
      const model = linearModel(linear.weights, linear.bias);
      const compiled = await compile(model, onnxruntime);
      const target = grantAccess(compiled, {
        access: "score",
        x,
        y,
        limit: ballOf("linf", 1, [-9, 9]),
      });
      const { gradient, loss } = await estimated(
        target,
        x,
        [0, 1],
        y,
        [new Random(1), new Random(2)],
        {
          pairs,
          radius: 0.1,
          draw: draws[kind],
          lossOf: (scores) => scores[0]!,
        },
      );
      const { data } = await compiled.logits(x);
      expect(target.queries.forward).toBe(2 * 2 * pairs);
      const weights = linear.weights[0] as number[];
      // A linear loss has no error but that of the draw: about |w| / sqrt(pairs).
      const error = 5 * Math.hypot(...weights) * Math.sqrt(2 / pairs);
      for (let i = 0; i < 12; i++)
        expect(Math.abs(gradient.data[i]! - weights[i % 6]!)).toBeLessThan(
          error,
        );
      // Both ways of a direction have the value in the middle as their mean.
      expect(loss[0]).toBeCloseTo(data[0]!, 4);
      await compiled.release();
    },
  );
});

test.each(["normal", "signs"] as const)(
  "with %s directions the mean of many is the slope of a quadratic, within three standard errors",
  async (kind) => {
    // sum of a_k x_k^2 / 2 + b_k x_k + x_0 x_1. What is asked is the score
    // of the one class.
    const [a, b] = [
      [1, -2, 0.5, 3],
      [0.3, 0.1, -0.4, 0.2],
    ] as const;
    const value = (v: Float32Array) =>
      a.reduce((sum, w, k) => sum + (w / 2) * v[k]! ** 2, 0) +
      b.reduce((sum, w, k) => sum + w * v[k]!, 0) +
      v[0]! * v[1]!;
    const x = uniformPoints(1, 4, [0.3, 0.7], 4);
    const [x0 = 0, x1 = 0] = x.data;
    const slope = a.map(
      (w, k) =>
        w * x.data[k]! + (b[k] as number) + (k === 0 ? x1 : k === 1 ? x0 : 0),
    );
    const quadratic = {
      scores: async (rows: FloatTensor) => ({
        ...rows,
        dims: [rows.dims[0] ?? 0, 1],
        data: Float32Array.from({ length: rows.dims[0] ?? 0 }, (_, i) =>
          value(rowOf(rows, i)),
        ),
      }),
    } as unknown as Target;
    const random = new Random(5);
    const draws: number[][] = [];
    const n = 10_000;
    for (let block = 0; block < n / 100; block++) {
      // A hundred draws of one pair each, of as many copies of the point.
      const copies = Array.from({ length: 100 }, (_, i) => i);
      const data = Float32Array.from(copies.flatMap(() => Array.from(x.data)));
      const { gradient } = await estimated(
        quadratic,
        { ...x, dims: [100, 4], data },
        copies,
        new Int32Array(100),
        copies.map(() => random),
        {
          pairs: 1,
          radius: 0.1,
          draw: (r) =>
            kind === "normal" ? r.normal() : r.uniform() < 0.5 ? -1 : 1,
          lossOf: (scores) => scores[0]!,
        },
      );
      for (const i of copies) draws.push(Array.from(rowOf(gradient, i)));
    }
    slope.forEach((exact, k) => {
      const values = draws.map((g) => g[k]!);
      const mean = values.reduce((s, v) => s + v, 0) / n;
      const variance =
        values.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1);
      expect(Math.abs(mean - exact)).toBeLessThan(3 * Math.sqrt(variance / n));
    });
  },
);

describe.each([
  ["nes", { stepSize: 0.02, pairs: 10, queries: 2000 }],
  ["spsa", { learningRate: 0.02, pairs: 10, steps: 100 }],
  ["simba", { stepSize: 0.9 }],
])("%s", (id, params) => {
  test("on a linear model it breaks what eps reaches, by scores alone", async () => {
    const x = uniformPoints(40, 6, [0.3, 0.7], 4);
    const y = labelsOf(linear, x);
    const needed = nearestOf("linf", linear, x, y);
    const [eps = 0] = [...needed].sort((a, b) => a - b).slice(20);
    const { distances, target } = await attacked(
      id,
      linearModel(linear.weights, linear.bias),
      { x, y },
      { norm: "linf", eps, bounds: [-9, 9], params },
    );
    expect(target.queries.gradient).toBe(0);
    needed.forEach((d, i) => {
      if (Math.abs(d - eps) > 0.02 * eps)
        expect(distances[i] !== Number.POSITIVE_INFINITY).toBe(d < eps);
    });
  });

  test("keeps to a budget of queries", async () => {
    const x = uniformPoints(10, 6, [0.3, 0.7], 4);
    const y = labelsOf(linear, x);
    const { target } = await attacked(
      id,
      linearModel(linear.weights, linear.bias),
      { x, y },
      { norm: "linf", eps: 1e-6, bounds: [-9, 9], params, queries: 25 },
    );
    expect(target.queries.forward).toBeLessThanOrEqual(10 * 25);
    expect(target.queries.forward).toBeGreaterThan(0);
  });
});

test("cosine waves are an orthonormal basis, lowest first", () => {
  const shape = [2, 4, 6];
  const waves = lowWaves(shape, 1).map((k) => cosineWave(shape, k));
  expect(waves.length).toBe(48);
  for (const [a, u] of waves.entries())
    for (const [b, v] of waves.entries()) {
      const dot = u.reduce((sum, w, i) => sum + w * v[i]!, 0);
      expect(dot).toBeCloseTo(a === b ? 1 : 0, 5);
    }
  const low = lowWaves([1, 8, 8], 0.25);
  expect(low).toEqual([
    [0, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
    [0, 1, 1],
  ]);
});

test("low noise is a sum of the lowest cosine waves", () => {
  const shape = [2, 4, 6];
  const noise = lowNoise(shape, 3)(new Random(4));
  const random = new Random(4);
  const sum = new Float32Array(48);
  for (const channel of [0, 1])
    for (const down of [0, 1, 2])
      for (const right of [0, 1, 2]) {
        const weight = random.normal();
        cosineWave(shape, [channel, down, right]).forEach((v, i) => {
          sum[i] = sum[i]! + weight * v;
        });
      }
  for (const [i, v] of sum.entries()) expect(noise[i]).toBeCloseTo(v, 5);
});
