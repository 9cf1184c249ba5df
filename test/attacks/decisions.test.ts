import { describe, expect, test } from "vitest";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const linear: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
    [0.2, 0.3, 1.0, -1.1, 0.6, 0.1],
  ],
  bias: [0.1, -0.05, 0],
};
const bounds = [0, 1] as const;

async function run(
  id: string,
  norm: "l2" | "linf",
  params: Record<string, unknown>,
  queries?: number,
) {
  const x = uniformPoints(30, 6, [0.3, 0.7], 4);
  const y = labelsOf(linear, x);
  const exact = nearestOf(norm, linear, x, y, bounds);
  const found = await attacked(
    id,
    linearModel(linear.weights, linear.bias),
    { x, y },
    { norm, bounds, params, queries },
  );
  const ratios = found.distances.map((d, i) => d / (exact[i] as number));
  return { ...found, ratios };
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

describe.each([
  ["hopskipjump", "l2", { iterations: 20 }, 1.02],
  ["hopskipjump", "linf", { iterations: 20 }, 1.1],
  ["boundary", "l2", { steps: 3000 }, 1.03],
] as const)("%s in %s", (id, norm, params, close) => {
  test("descends to the analytic distance, by labels alone", async () => {
    const { ratios, target } = await run(id, norm, params);
    expect(Math.min(...ratios)).toBeGreaterThan(0.999);
    expect(median(ratios)).toBeLessThan(close);
    expect(target.queries.gradient).toBe(0);
    expect(target.access).toBe("label");
  });

  test("gets nearer with more queries, and keeps to their number", async () => {
    const few = await run(id, norm, params, 150);
    const more = await run(id, norm, params, 1500);
    expect(few.target.queries.forward).toBeLessThanOrEqual(30 * 150);
    expect(more.target.queries.forward).toBeGreaterThan(30 * 500);
    expect(median(more.ratios)).toBeLessThan(median(few.ratios));
  });
});
