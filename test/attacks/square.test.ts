import { describe, expect, test } from "vitest";
import { Random } from "#core";
import type { FloatTensor } from "#onnx";
import { shareAt } from "../../attacks/evasion/square.ts";
import { bumps } from "../../attacks/evasion/square-bumps.ts";
import { stripes } from "../../attacks/evasion/square-stripes.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf, linearOf, nearestOf } from "./nearest.ts";

const linear = linearOf(3);

const canvas = {
  channels: 2,
  height: 9,
  width: 9,
  eps: 0.5,
  bounds: [0, 1] as const,
};
const size = 2 * 9 * 9;

describe("square", () => {
  test("in Linf it breaks the linear models that eps reaches, since it only visits corners of the ball", async () => {
    const x = uniformPoints(60, 6, [0.3, 0.7], 4);
    const y = labelsOf(linear, x);
    const needed = nearestOf("linf", linear, x, y);
    const [eps = 0] = [...needed].sort((a, b) => a - b).slice(30);
    const { distances, target } = await attacked(
      "square",
      linearModel(linear.weights, linear.bias),
      { x, y },
      { norm: "linf", eps, bounds: [-9, 9], params: { queries: 300 } },
    );
    needed.forEach((d, i) => {
      if (Math.abs(d - eps) > 0.01 * eps)
        expect(distances[i] !== Number.POSITIVE_INFINITY).toBe(d < eps);
    });
    // A sample that stands was asked about as often as it may be.
    expect(target.queries.forward).toBeLessThanOrEqual(60 * 300);
    expect(target.queries.gradient).toBe(0);
  });

  test("squares shrink by the paper's schedule, stretched where it says so", () => {
    const at = (query: number, rescaleSchedule = false) =>
      shareAt(query, { pInit: 0.8, queries: 5000, rescaleSchedule });
    expect([0, 10, 11, 51, 201, 501].map((q) => at(q))).toEqual([
      0.8, 0.8, 0.4, 0.2, 0.1, 0.05,
    ]);
    expect(at(4999)).toBe(0.8 / 128);
    expect(at(4999, true)).toBe(0.8 / 512);
    expect(at(6, true)).toBe(at(12));
  });
});

describe("moves in Linf", () => {
  const centre = new Float32Array(size).fill(0.5);

  test("start as vertical stripes at the edge of the ball", () => {
    const to = Float32Array.from(centre);
    stripes.start(to, centre, { ...canvas, eps: 0.25 }, new Random(3));
    for (let i = 0; i < size; i++) {
      expect(Math.abs(to[i]! - 0.5)).toBe(0.25);
      if (i % 81 >= 9) expect(to[i]).toBe(to[i - 9]);
    }
  });

  test("change one square of the share, in all channels at once", () => {
    const random = new Random(5);
    for (const share of [0.8, 0.2, 0.05, 0.001]) {
      const side = Math.max(1, Math.round(9 * Math.sqrt(share)));
      const to = Float32Array.from(centre);
      stripes.change(to, centre, share, { ...canvas, eps: 0.25 }, random);
      const moved = Array.from(to.keys()).filter((i) => to[i] !== 0.5);
      expect(moved.length).toBe(2 * side * side);
      const rows = new Set(moved.map((i) => Math.floor((i % 81) / 9)));
      expect(rows.size).toBe(side);
    }
  });
});

describe.each([
  ["l2", (d: number[]) => Math.hypot(...d)],
  ["l1", (d: number[]) => d.reduce((sum, v) => sum + Math.abs(v), 0)],
] as const)("moves in %s", (norm, length) => {
  const centre = new Float32Array(size).fill(0.5);
  const distance = (to: Float32Array) =>
    length(Array.from(to, (v, i) => v - centre[i]!));

  test("spend the whole budget where the bounds leave room for it", () => {
    const random = new Random(7);
    const { start, change } = bumps(norm);
    const to = Float32Array.from(centre);
    start(to, centre, canvas, random);
    expect(distance(to)).toBeCloseTo(0.5, 5);
    for (const share of [0.8, 0.3, 0.1, 0.01]) {
      const before = Float32Array.from(to);
      change(to, centre, share, canvas, random);
      expect(distance(to)).toBeCloseTo(0.5, 5);
      // A window that wins nothing of another changes nothing.
      if (share > 0.1) expect(to).not.toEqual(before);
    }
  });

  test("halves of a bump have opposite signs", () => {
    const to = Float32Array.from(centre);
    bumps(norm).change(to, centre, 0.2, canvas, new Random(2));
    const plane = Array.from(to.subarray(0, 81), (v) => v - 0.5);
    expect(Math.max(...plane)).toBeGreaterThan(0);
    expect(Math.min(...plane)).toBeLessThan(0);
  });

  test("vectors are refused in one line", async () => {
    const x: FloatTensor = uniformPoints(2, 6, [0.3, 0.7], 4);
    await expect(
      attacked(
        "square",
        linearModel(linear.weights, linear.bias),
        { x, y: labelsOf(linear, x) },
        { norm, eps: 0.1 },
      ),
    ).rejects.toThrow("at least 5x5 pixels");
  });
});
