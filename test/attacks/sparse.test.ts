import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { salientPair } from "../../attacks/evasion/saliency.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf, linearOf, nearestOf } from "./nearest.ts";

const linear = linearOf(3);
const model = linearModel(linear.weights, linear.bias);

/** Numbers of each row that differ. */
const changed = (a: Float32Array, b: Float32Array, width: number) =>
  Array.from({ length: a.length / width }, (_, i) =>
    Array.from({ length: width }, (_, k) => k).filter(
      (k) => a[i * width + k] !== b[i * width + k],
    ),
  );

test("the salient pair is the best of all pairs", () => {
  const slopes = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: 9,
    maxLength: 9,
  });
  fc.assert(
    fc.property(
      slopes,
      slopes,
      fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
      (gains, others, free) => {
        const value = (p: number, q: number) => {
          const alpha = Math.fround(gains[p]!) + Math.fround(gains[q]!);
          const beta = Math.fround(others[p]!) + Math.fround(others[q]!);
          return alpha > 0 && beta < 0 ? -alpha * beta : 0;
        };
        let most = 0;
        for (let p = 0; p < 9; p++)
          for (let q = p + 1; q < 9; q++)
            if (free[p] && free[q]) most = Math.max(most, value(p, q));
        const pair = salientPair(
          Float32Array.from(gains),
          Float32Array.from(others),
          (k) => free[k]!,
        );
        expect(pair ? value(...pair) : 0).toBe(most);
        if (pair) expect(pair.every((k) => free[k])).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

describe("jsma", () => {
  const x = uniformPoints(40, 6, [0.2, 0.8], 4);
  const y = labelsOf(linear, x);

  test("on a linear model it takes the pairs of the saliency map, one after the other", async () => {
    const params = { targets: 2 };
    const { distances } = await attacked(
      "jsma",
      model,
      { x, y },
      { norm: "l0", eps: 6, params },
    );
    // The same by hand: slopes never change.
    Array.from(y).forEach((label, i) => {
      const counts = [0, 1, 2].flatMap((aim) => {
        if (aim === label) return [];
        const row = Array.from(x.data.subarray(6 * i, 6 * i + 6));
        for (let pairs = 1; pairs <= 3; pairs++) {
          const of = (k: number) => linear.weights[k] as number[];
          let best: [number, number, number] = [0, -1, -1];
          for (let p = 0; p < 6; p++)
            for (let q = p + 1; q < 6; q++) {
              if (row[p] === 1 || row[q] === 1) continue;
              const sum = (k: number) => of(k)[p]! + of(k)[q]!;
              const beta = [0, 1, 2].reduce(
                (total, k) => total + (k === aim ? 0 : sum(k)),
                0,
              );
              const score = sum(aim) > 0 && beta < 0 ? -sum(aim) * beta : 0;
              if (score > best[0]) best = [score, p, q];
            }
          if (best[1] < 0) return [];
          row[best[1]] = 1;
          row[best[2]] = 1;
          const z = [0, 1, 2].map((k) =>
            of(k).reduce((s, w, j) => s + w * row[j]!, linear.bias[k]!),
          ) as number[];
          if (z.indexOf(Math.max(...z)) !== label) return [2 * pairs];
        }
        return [];
      });
      expect(distances[i]).toBe(Math.min(Number.POSITIVE_INFINITY, ...counts));
    });
    expect(distances.some(Number.isFinite)).toBe(true);
  });

  test("changes an even number, by theta, within eps", async () => {
    for (const theta of [1, -1, 0.1]) {
      const { examples } = await attacked(
        "jsma",
        model,
        { x, y },
        { norm: "l0", eps: 4, params: { theta } },
      );
      const places = changed(examples.data, x.data, 6);
      expect(Math.max(...places.map((p) => p.length))).toBeLessThanOrEqual(4);
      places.forEach((all, i) => {
        for (const k of all) {
          const [from = 0, to = 0] = [x, examples].map(
            (t) => t.data[6 * i + k],
          );
          if (Math.abs(theta) === 1) expect(to).toBe(theta > 0 ? 1 : 0);
          else expect(to).toBeGreaterThan(from);
        }
      });
    }
  });

  test("keeps to a budget of queries, and says where eps allows no pair", async () => {
    const { target } = await attacked(
      "jsma",
      model,
      { x, y },
      { norm: "l0", eps: 6, queries: 7 },
    );
    expect(
      target.queries.gradient + target.queries.forward,
    ).toBeLessThanOrEqual(40 * 7);
    expect(target.queries.gradient).toBeGreaterThan(0);
    const { notes } = await attacked(
      "jsma",
      model,
      { x, y },
      { norm: "l0", eps: 1 },
    );
    expect(notes).toEqual([expect.stringContaining("in pairs")]);
  });
});

describe("one-pixel", () => {
  // So far from the boundary that one number is not always enough.
  const far = { ...linear, bias: [0.7, -0.05, 0] };
  const model = linearModel(far.weights, far.bias);
  const x = uniformPoints(40, 6, [0.2, 0.8], 4);
  const y = labelsOf(far, x);
  const params = { population: 60, generations: 30 };

  test("on a linear model it breaks what one or two numbers break", async () => {
    const needed = nearestOf("l0", far, x, y, [0, 1]);
    for (const eps of [1, 2]) {
      const { examples, distances, target } = await attacked(
        "one-pixel",
        model,
        { x, y },
        { norm: "l0", eps, params },
      );
      expect(distances.map(Number.isFinite)).toEqual(
        needed.map((d) => d <= eps),
      );
      expect(target.queries.gradient).toBe(0);
      for (const places of changed(examples.data, x.data, 6))
        expect(places.length).toBeLessThanOrEqual(eps);
    }
    expect(needed).toContain(1);
    expect(needed).toContain(2);
  });

  test("a pixel has all channels of an image", async () => {
    const random = new Random(3);
    const images = { ...x, dims: [20, 3, 2, 2] };
    const weights = [0, 1, 2].map(() =>
      Array.from({ length: 12 }, () => random.normal()),
    );
    const images3 = linearModel(weights, [0, 0, 0], [3, 2, 2]);
    const labels = labelsOf(
      { weights, bias: [0, 0, 0] },
      { ...images, dims: [20, 12] },
    );
    const one = await attacked(
      "one-pixel",
      images3,
      { x: images, y: labels },
      { norm: "l0", eps: 5, params },
    );
    for (const places of changed(one.examples.data, x.data, 12))
      expect(new Set(places.map((k) => k % 4)).size).toBeLessThanOrEqual(1);
    expect(one.distances.some(Number.isFinite)).toBe(true);
    const none = await attacked(
      "one-pixel",
      images3,
      { x: images, y: labels },
      { norm: "l0", eps: 2, params },
    );
    expect(none.notes).toEqual([expect.stringContaining("3 numbers")]);
    expect(none.target.queries.forward).toBe(0);
  });

  test("keeps to a budget of queries", async () => {
    const { target } = await attacked(
      "one-pixel",
      model,
      { x, y },
      { norm: "l0", eps: 1, params, queries: 70 },
    );
    expect(target.queries.forward).toBeLessThanOrEqual(40 * 70);
    expect(target.queries.forward).toBeGreaterThan(0);
  });
});

test("C&W L0 fixes numbers until the rest do not suffice", async () => {
  const steep = {
    weights: linear.weights.map((w) => w.map((v) => 20 * v)),
    bias: [14, -1, 0],
  };
  const x = uniformPoints(20, 6, [0.2, 0.8], 4);
  const y = labelsOf(steep, x);
  const needed = nearestOf("l0", steep, x, y, [0, 1]);
  const { examples, distances, target } = await attacked(
    "cw-l0",
    linearModel(steep.weights, steep.bias),
    { x, y },
    {
      norm: "l0",
      params: { initialConst: 0.1, maxIterations: 200, largestConst: 100 },
    },
  );
  const counts = changed(examples.data, x.data, 6).map((p) => p.length);
  expect(counts).toEqual(distances);
  // It fixes by what matters least, which may cost a number.
  const near = distances.filter((d, i) => d === needed[i]).length;
  expect(near).toBeGreaterThanOrEqual(15);
  distances.forEach((d, i) => {
    expect(d).toBeGreaterThanOrEqual(needed[i]!);
    expect(d).toBeLessThanOrEqual(needed[i]! + 1);
  });
  expect(needed).toContain(2);
  const few = await attacked(
    "cw-l0",
    linearModel(steep.weights, steep.bias),
    { x, y },
    { norm: "l0", queries: 11 },
  );
  expect(few.target.queries.gradient).toBe(20 * 11);
  expect(target.queries.forward).toBe(0);
});
