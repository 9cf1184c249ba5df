import { describe, expect, test } from "vitest";
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
const several: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
    [0.2, 0.3, 1.0, -1.1, 0.6, 0.1],
    [-0.7, -0.2, 0.5, 0.9, 0.3, 0.8],
  ],
  bias: [0.1, -0.05, 0, -0.2],
};

interface Subject {
  id: string;
  norm: "l2" | "linf" | "l1" | "l0";
  params?: Record<string, unknown>;
  /** How much farther than the nearest its examples may be, free and with bounds. */
  slack: number;
  boxed: number;
}

const subjects: Subject[] = [
  { id: "deepfool", norm: "l2", slack: 0.021, boxed: 0.3 },
];

const near = (low: number, high: number, d: number) => {
  expect(d).toBeGreaterThanOrEqual(low * (1 - 1e-4) - 1e-6);
  expect(d).toBeLessThanOrEqual(high + 1e-5);
};

describe.each(subjects)("$id, $norm", ({ id, norm, params, slack, boxed }) => {
  const wide = [-50, 50] as const;
  test.each([
    ["two classes", binary],
    ["several classes", several],
  ])("reaches the nearest boundary of %s", async (_, linear) => {
    const x = uniformPoints(40, linear.weights[0]?.length ?? 0, [0.3, 0.7], 5);
    const y = labelsOf(linear, x);
    const model = linearModel(linear.weights, linear.bias);
    const exact = nearestOf(norm, linear, x, y, [0, 1]);
    const free = nearestOf(norm, linear, x, y);
    const { distances } = await attacked(id, model, { x, y }, { norm, params });
    // Where no bound is in the way.
    const untouched = exact.flatMap((d, i) =>
      Math.abs(d - (free[i] as number)) < 1e-9 ? [i] : [],
    );
    if (norm !== "l0") expect(untouched.length).toBeGreaterThan(10);
    for (const i of untouched)
      near(
        exact[i] as number,
        (exact[i] as number) * (1 + slack),
        distances[i] as number,
      );
  });

  test("reaches it in bounds of another size", async () => {
    const x = uniformPoints(10, 5, [-20, 30], 6);
    const y = labelsOf(binary, x);
    const model = linearModel(binary.weights, binary.bias);
    const exact = nearestOf(norm, binary, x, y, wide);
    const { distances } = await attacked(
      id,
      model,
      { x, y },
      { norm, params, bounds: wide },
    );
    distances.forEach((d, i) => {
      if (exact[i] !== Number.POSITIVE_INFINITY)
        near(exact[i] as number, (exact[i] as number) * (1 + boxed), d);
    });
  });

  test("with a bound in the way it is farther than without, and inside it", async () => {
    const far: Linear = { ...several, bias: [0.5, 0.1, -0.2, 0] };
    const x = uniformPoints(40, 6, [0, 0.15], 7);
    const y = labelsOf(far, x);
    const model = linearModel(far.weights, far.bias);
    const exact = nearestOf(norm, far, x, y, [0, 1]);
    const free = nearestOf(norm, far, x, y);
    const { distances, examples } = await attacked(
      id,
      model,
      { x, y },
      { norm, params },
    );
    expect(
      exact.filter((d, i) => d > 1.01 * (free[i] as number)).length,
    ).toBeGreaterThan(5);
    distances.forEach((d, i) => {
      near(exact[i] as number, (exact[i] as number) * (1 + boxed), d);
    });
    expect(examples.data.every((v) => v >= 0 && v <= 1)).toBe(true);
  });

  test("within a finite budget it breaks what the budget reaches, and leaves early", async () => {
    const x = uniformPoints(40, 5, [0.3, 0.7], 8);
    const y = labelsOf(binary, x);
    const model = linearModel(binary.weights, binary.bias);
    const exact = nearestOf(norm, binary, x, y, [0, 1]);
    const eps =
      norm === "l0" ? 2 : ([...exact].sort((a, b) => a - b)[20] as number);
    const whole = await attacked(id, model, { x, y }, { norm, params });
    const { distances, target, shares } = await attacked(
      id,
      model,
      { x, y },
      { norm, params, eps },
    );
    distances.forEach((d, i) => {
      const needed = exact[i] as number;
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
    const y = labelsOf(several, x);
    const model = linearModel(several.weights, several.bias);
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
