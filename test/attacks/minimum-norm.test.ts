import { describe, expect, test } from "vitest";
import type { FloatTensor } from "#onnx";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

// On a linear classifier the nearest example is known in closed form.
const binary: Linear = {
  weights: [
    [0.9, -0.4, 0.2, -0.7, 0.5],
    [0, 0, 0, 0, 0],
  ],
  bias: [-0.25, 0],
};
// Steep, as trained networks are: the cross-entropy follows the nearest class alone.
const STEEP = 20;
const fourClasses: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
    [0.2, 0.3, 1.0, -1.1, 0.6, 0.1],
    [-0.7, -0.2, 0.5, 0.9, 0.3, 0.8],
  ].map((w) => w.map((v) => STEEP * v)),
  bias: [0.1, -0.05, 0, -0.2].map((v) => STEEP * v),
};

const farClasses: Linear = {
  ...fourClasses,
  bias: [0.5, 0.1, -0.2, 0].map((v) => STEEP * v),
};

interface Subject {
  id: string;
  norm: "l2" | "linf" | "l1" | "l0";
  params?: Record<string, unknown>;
  /** How much farther than the nearest its examples may be. */
  slack: number;
  /**
   * The least share of samples that do so among several classes, where a local search
   * may go to another than the nearest.
   */
  several: number;
  /** The same with a bound in the way. */
  boxed: number;
  /** The same of two classes; all of them when left out. */
  boxedBinary?: number;
}

const subjects: Subject[] = [
  {
    id: "deepfool",
    norm: "l2",
    slack: 0.021,
    several: 1,
    boxed: 0.75,
    boxedBinary: 0,
  },
  {
    id: "ddn",
    norm: "l2",
    params: { steps: 1000 },
    slack: 0.01,
    several: 0.75,
    boxed: 0.75,
  },
  ...(["l2", "linf", "l1", "l0"] as const).map((norm) => ({
    id: "fmn",
    norm,
    params: { steps: 1000 },
    slack: 0.01,
    several: 0.75,
    boxed: 0.5,
  })),
  ...(["l2", "linf", "l1"] as const).flatMap((norm) =>
    ["fab", "fab-t"].map((id) => ({
      id,
      norm,
      slack: 0.01,
      several: 1,
      // Which boundary is nearest is judged without the bounds, as published.
      boxed: id === "fab" ? 0.55 : 0.9,
      boxedBinary: 1,
    })),
  ),
  {
    id: "cw-l2",
    norm: "l2",
    params: { binarySearchSteps: 9, maxIterations: 1000 },
    slack: 0.01,
    several: 0.75,
    boxed: 0.5,
  },
];

/**
 * Iterative attacks shrink from far outside, so they need samples that are not on a
 * boundary already.
 */
const CLOSEST = 0.02;

/** No example is nearer than the nearest, and this share of them is as near. */
function expectNearest(
  distances: number[],
  exact: number[],
  { slack, share }: { slack: number; share: number },
) {
  distances.forEach((d, i) => {
    expect(d).toBeGreaterThanOrEqual(0.9999 * exact[i]! - 1e-5);
    expect(d).toBeLessThan(2 * exact[i]!);
  });
  const reached = distances.filter(
    (d, i) => d <= (1 + slack) * exact[i]! + 1e-5,
  );
  expect(reached.length).toBeGreaterThanOrEqual(share * distances.length);
}

describe.each(subjects)("$id, $norm", (subject) => {
  const { id, norm, params, slack, several, boxed, boxedBinary = 1 } = subject;

  test.each([
    ["two classes", binary, 1],
    ["several classes", fourClasses, several],
  ] as const)(
    "reaches the nearest boundary of %s",
    async (_, linear, share) => {
      const x = uniformPoints(
        60,
        linear.weights[0]?.length ?? 0,
        [0.3, 0.7],
        5,
      );
      const y = labelsOf(linear, x);
      const model = linearModel(linear.weights, linear.bias);
      const free = nearestOf(norm, linear, x, y);
      const exact = nearestOf(norm, linear, x, y, [0, 1]);
      const { distances } = await attacked(
        id,
        model,
        { x, y },
        { norm, params },
      );
      const chosen = exact.flatMap((d, i) =>
        d > CLOSEST && (norm === "l0" || d < 1.000001 * free[i]!) ? [i] : [],
      );
      expect(chosen.length).toBeGreaterThan(20);
      const pick = (values: number[]) => chosen.map((i) => values[i]!);
      expectNearest(pick(distances), pick(exact), { slack, share });
    },
  );

  test.each([
    ["two classes", { ...binary, bias: [-0.9, 0] }, boxedBinary],
    ["several classes", farClasses, boxed],
  ] as const)(
    "with a bound in the way of %s it is farther than without, and inside it",
    async (_, linear, share) => {
      const x = uniformPoints(40, linear.weights[0]?.length ?? 0, [0, 0.15], 7);
      const y = labelsOf(linear, x);
      const model = linearModel(linear.weights, linear.bias);
      const exact = nearestOf(norm, linear, x, y, [0, 1]);
      const free = nearestOf(norm, linear, x, y);
      const { distances, examples } = await attacked(
        id,
        model,
        { x, y },
        { norm, params },
      );
      if (norm !== "l0")
        expect(
          exact.filter((d, i) => d > 1.01 * free[i]!).length,
        ).toBeGreaterThan(5);
      expectNearest(distances, exact, { slack, share });
      expect(examples.data.every((v) => v >= 0 && v <= 1)).toBe(true);
    },
  );

  test("takes inputs as they are, in whatever unit", async () => {
    const bounds = [-20, 30] as const;
    const unit = uniformPoints(10, 5, [0.2, 0.8], 6);
    const scaled = { ...unit, data: unit.data.map((v) => 50 * v - 20) };
    // The same classifier of numbers in another unit.
    const rescaled: Linear = {
      weights: binary.weights.map((w) => w.map((v) => v / 50)),
      bias: binary.weights.map(
        (w, k) => binary.bias[k]! + 0.4 * w.reduce((sum, v) => sum + v, 0),
      ),
    };
    const y = labelsOf(binary, unit);
    expect(labelsOf(rescaled, scaled)).toEqual(y);
    const run = (
      { weights, bias }: Linear,
      x: FloatTensor,
      within: readonly [number, number],
    ) =>
      attacked(
        id,
        linearModel(weights, bias),
        { x, y },
        { norm, params, bounds: within },
      );
    const { distances } = await run(binary, unit, [0, 1]);
    const { distances: larger } = await run(rescaled, scaled, bounds);
    larger.forEach((d, i) => {
      const same = (norm === "l0" ? 1 : 50) * distances[i]!;
      expect(Math.abs(d - same)).toBeLessThan(0.01 * same + 1e-4);
    });
  });

  test("within a finite budget it breaks what the budget reaches, and leaves early", async () => {
    const x = uniformPoints(40, 5, [0.3, 0.7], 8);
    const y = labelsOf(binary, x);
    const model = linearModel(binary.weights, binary.bias);
    const exact = nearestOf(norm, binary, x, y, [0, 1]);
    const eps = norm === "l0" ? 2 : [...exact].sort((a, b) => a - b)[20]!;
    const whole = await attacked(id, model, { x, y }, { norm, params });
    const { distances, target, shares } = await attacked(
      id,
      model,
      { x, y },
      { norm, params, eps },
    );
    distances.forEach((d, i) => {
      const needed = exact[i]!;
      if (needed * (1 + slack) < eps)
        expect(d).toBeLessThanOrEqual(eps * (1 + 1e-5));
      if (needed > eps * (1 + 1e-5)) expect(d).toBe(Number.POSITIVE_INFINITY);
    });
    expect(distances.filter(Number.isFinite).length).toBeGreaterThan(10);
    const asked = ({ gradient, forward }: typeof target.queries) =>
      gradient + forward;
    expect(asked(target.queries)).toBeLessThanOrEqual(
      asked(whole.target.queries),
    );
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.length).toBeGreaterThan(0);
  });

  test("keeps to a budget of queries", async () => {
    const x = uniformPoints(6, 6, [0, 1], 9);
    const y = labelsOf(fourClasses, x);
    const model = linearModel(fourClasses.weights, fourClasses.bias);
    for (const queries of [0, 1, 5, 17]) {
      const { target } = await attacked(
        id,
        model,
        { x, y },
        { norm, params, queries },
      );
      const { gradient, forward } = target.queries;
      expect(gradient + forward).toBeLessThanOrEqual(6 * queries);
    }
  });
});
