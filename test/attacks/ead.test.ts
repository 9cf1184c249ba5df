import { expect, test } from "vitest";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, nearestOf } from "./nearest.ts";

const linear: Linear = {
  weights: [
    [9, -4, 2, -7, 5],
    [0, 0, 0, 0, 0],
  ],
  bias: [-2.5, 0],
};

async function run(params: Record<string, unknown>) {
  const x = uniformPoints(30, 5, [0.3, 0.7], 4);
  const y = labelsOf(linear, x);
  const { examples } = await attacked(
    "ead",
    linearModel(linear.weights, linear.bias),
    { x, y },
    { norm: "l1", bounds: [0, 1], params },
  );
  const deltas = Array.from({ length: 30 }, (_, i) =>
    Array.from(
      examples.data.subarray(5 * i, 5 * i + 5),
      (v, k) => v - x.data[5 * i + k]!,
    ),
  );
  const l1 = deltas.map((d) => d.reduce((sum, v) => sum + Math.abs(v), 0));
  const l2 = deltas.map((d) => Math.hypot(...d));
  return { x, y, l1, l2, deltas };
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[values.length / 2]!;

test.each([
  // Little weight on L1 leaves the nearest example in L2, and much the nearest in L1.
  [1e-6, "l2"],
  [0.03, "l1"],
] as const)(
  "with beta %d it finds the nearest example in %s",
  async (beta, norm) => {
    const { x, y, deltas, ...lengths } = await run({ beta });
    const exact = nearestOf(norm, linear, x, y, [0, 1]);
    const ratios = lengths[norm].map((d, i) => d / exact[i]!);
    expect(Math.min(...ratios)).toBeGreaterThan(0.999);
    expect(median(ratios)).toBeLessThan(1.01);
    expect(deltas.length).toBe(30);
  },
);

test("more weight on L1 changes fewer numbers", async () => {
  const changed = async (beta: number) => {
    const { deltas } = await run({ beta });
    const counts = deltas.map(
      (d) => d.filter((v) => Math.abs(v) > 1e-6).length,
    );
    return counts.reduce((sum, c) => sum + c, 0);
  };
  const [none, some, most] = [
    await changed(1e-6),
    await changed(1e-3),
    await changed(0.03),
  ];
  expect(some).toBeLessThan(none);
  expect(most).toBeLessThan(some);
});

test("the elastic-net rule keeps examples of less energy than the L1 rule", async () => {
  const energy = async (decisionRule: string) => {
    const { l1, l2 } = await run({ beta: 0.01, decisionRule });
    return l2.reduce((sum, d, i) => sum + d * d + 0.01 * l1[i]!, 0);
  };
  expect(await energy("EN")).toBeLessThanOrEqual(await energy("L1"));
});
