import { describe, expect, test } from "vitest";
import type { Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int } from "#onnx";
import { countsOf } from "../../attacks/evasion/geoda.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf, linearOf, nearestOf } from "./nearest.ts";

const linear = linearOf(3);
const bounds = [0, 1] as const;

async function run(
  id: string,
  norm: "l2" | "linf" | "l1",
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
  const ratios = found.distances.map((d, i) => d / exact[i]!);
  return { ...found, ratios };
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe.each([
  ["hopskipjump", "l2", { iterations: 20 }, 1.02],
  ["hopskipjump", "linf", { iterations: 20 }, 1.1],
  ["boundary", "l2", { steps: 3000 }, 1.03],
  ["geoda", "l2", { queries: 2000 }, 1.02],
  ["geoda", "linf", { queries: 2000 }, 1.02],
  ["geoda", "l1", { queries: 2000 }, 1.02],
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

/** Two classes: inside of a sphere about the middle of the bounds, and outside. */
function sphere(width: number, radius: number): Model {
  const b = new GraphBuilder(emptyGraph("sphere"));
  b.input({ name: "input", type: "float32", dims: ["batch", width] });
  const away = b.sub("input", 0.5);
  const square = b.op("ReduceSum", [b.mul(away, away), b.ints([1])], {
    keepdims: int(1),
  });
  const logits = b.op(
    "Gemm",
    [
      square,
      b.constant(floats([1, 2], [-1, 0])),
      b.constant(floats([2], [radius ** 2, 0])),
    ],
    {},
    "logits",
  );
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [width], bounds: [0, 1] },
    classes: ["inside", "outside"],
    straightThrough: [],
  };
}

test.each([
  ["hopskipjump", { iterations: 20 }, 1.02],
  ["boundary", { steps: 3000 }, 1.05],
  // Takes the boundary for a plane, and adds estimates up that were made elsewhere.
  ["geoda", { queries: 4000 }, 1.05],
] as const)(
  "%s descends to the distance to a sphere, never farther with more queries",
  async (id, params, close) => {
    const [width, radius] = [8, 0.4];
    const x = uniformPoints(10, width, [0.36, 0.46], 3);
    const y = new Int32Array(10);
    const exact = Array.from(y, (_, i) => {
      const row = x.data.subarray(width * i, width * (i + 1));
      return radius - Math.hypot(...row.map((v) => v - 0.5));
    });
    const model = sphere(width, radius);
    let last = exact.map(() => Number.POSITIVE_INFINITY);
    for (const queries of [60, 300, 1000, undefined]) {
      const { distances } = await attacked(
        id,
        model,
        { x, y },
        { norm: "l2", params, queries },
      );
      distances.forEach((d, i) => {
        expect(d).toBeGreaterThan(0.999 * exact[i]!);
        expect(d).toBeLessThanOrEqual(last[i]!);
      });
      last = distances;
    }
    expect(median(last.map((d, i) => d / exact[i]!))).toBeLessThan(close);
  },
);

test("geoda starts with fifty to eighty directions, and has ever more", () => {
  for (const queries of [500, 1000, 4000, 20_000]) {
    const counts = countsOf(queries, 0.6);
    expect(counts[0]).toBeLessThanOrEqual(80);
    expect(counts[0]).toBeGreaterThan(48);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    const asked = counts.reduce((a, b) => a + b, 0) + 25 * counts.length;
    expect(Math.abs(asked - queries)).toBeLessThanOrEqual(counts.length);
    // The share of each grows by 0.6 to the power of minus two thirds.
    expect((counts.at(-1) as number) / (counts.at(-2) as number)).toBeCloseTo(
      0.6 ** (-2 / 3),
      1,
    );
  }
  expect(countsOf(3, 0.6)).toEqual([1]);
});
