import { describe, expect, test } from "vitest";
import { argmaxRows } from "#model";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, linearOf, nearestOf } from "./nearest.ts";

const five = linearOf(5);
const two: Linear = { weights: five.weights.slice(0, 2), bias: [0, 0] };

const quick = { steps: 20, queries: 50 };

function scene(linear: Linear, count = 40) {
  const x = uniformPoints(count, 6, [0.3, 0.7], 4);
  const y = labelsOf(linear, x);
  return { model: linearModel(linear.weights, linear.bias), x, y };
}

describe("autoattack", () => {
  test.each([
    ["linf", five],
    ["l2", five],
    ["l1", five],
    ["linf", two],
    ["l2", two],
  ] as const)(
    "in %s it breaks exactly what eps reaches",
    async (norm, linear) => {
      const { model, x, y } = scene(linear);
      const needed = nearestOf(norm, linear, x, y);
      const [eps = 0] = [...needed].sort((a, b) => a - b).slice(20);
      const { distances, examples, logits } = await attacked(
        "autoattack",
        model,
        { x, y },
        { norm, eps, bounds: [-9, 9], params: quick },
      );
      const predicted = argmaxRows(logits);
      expect(examples.dims).toEqual(x.dims);
      needed.forEach((d, i) => {
        if (Math.abs(d - eps) < 0.01 * eps) return;
        expect(distances[i] !== Number.POSITIVE_INFINITY).toBe(d < eps);
        expect(predicted[i] !== y[i]).toBe(d < eps);
      });
    },
  );

  test("its members find no more alone than together", async () => {
    const { model, x, y } = scene(five);
    const run = async (id: string, params: Record<string, unknown>) => {
      const setting = { norm: "linf", eps: 0.12, params } as const;
      const { distances } = await attacked(id, model, { x, y }, setting);
      return distances.map((d) => d !== Number.POSITIVE_INFINITY);
    };
    const together = await run("autoattack", quick);
    for (const [id, params] of [
      ["apgd-ce", { steps: 20 }],
      ["apgd-t", { steps: 20 }],
      ["fab-t", { steps: 20 }],
      ["square", { queries: 50 }],
    ] as const)
      (await run(id, params)).forEach((broken, i) => {
        if (broken) expect(together[i]).toBe(true);
      });
  });

  test("what stands to the end was asked by every member; what is broken at once, by none of the others", async () => {
    const { model, x, y } = scene(five);
    const ask = async (eps: number, version: string) => {
      const params = { ...quick, version };
      const setting = { norm: "linf", eps, params } as const;
      const { target, shares } = await attacked(
        "autoattack",
        model,
        { x, y },
        setting,
      );
      expect(shares.every((s, i) => s >= (shares[i - 1] ?? 0) && s <= 1)).toBe(
        true,
      );
      return target.queries;
    };
    // CE, four targets, and four walks with a question after each step; clean
    // scores and Square.
    const all = await ask(1e-6, "standard");
    expect(all.gradient).toBe(40 * (20 + 4 * 20 + 4 * 20));
    expect(all.forward).toBeGreaterThanOrEqual(40 * (1 + 4 * 20 + 50));
    expect(all.forward).toBeLessThanOrEqual(40 * (1 + 4 * 20 + 50 + 5));
    const rand = await ask(1e-6, "rand");
    expect(rand.gradient).toBe(40 * 2 * 20 * 20);
    const plus = await ask(1e-6, "plus");
    expect(plus.gradient).toBeGreaterThan(2 * all.gradient);
    const none = await ask(1, "standard");
    expect(none.gradient).toBeLessThan(40 * 10);
  });

  test("it keeps to a budget of queries", async () => {
    const { model, x, y } = scene(five);
    const { target } = await attacked(
      "autoattack",
      model,
      { x, y },
      { norm: "linf", eps: 1e-6, params: quick, queries: 33 },
    );
    const { gradient, forward } = target.queries;
    expect(gradient + forward).toBe(40 * 33);
  });

  test("it says what it had to do otherwise", async () => {
    const notes = async (linear: Linear, norm: "linf" | "l2") => {
      const { model, x, y } = scene(linear, 3);
      const setting = { norm, eps: 1e-6, params: quick } as const;
      return (await attacked("autoattack", model, { x, y }, setting)).notes;
    };
    expect(await notes(five, "linf")).toEqual([]);
    expect(await notes(two, "l2")).toEqual([
      expect.stringContaining("Square"),
      expect.stringContaining("4 classes"),
    ]);
  });
});
