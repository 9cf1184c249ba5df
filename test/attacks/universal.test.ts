import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import {
  covered,
  diameterOf,
  lay,
  lift,
} from "../../attacks/evasion/patch-placement.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf } from "./nearest.ts";

const w = [0.9, -0.4, 0.2, -0.7, 0.5];
const binary = { weights: [w, w.map(() => 0)], bias: [-0.2, 0] };
const model = linearModel(binary.weights, binary.bias);
/** Samples of one class: the best perturbation of one is the best of all. */
const all = uniformPoints(120, 5, [0.3, 0.7], 5);
const labels = labelsOf(binary, all);
const chosen = Array.from(labels.keys()).filter((i) => labels[i] === 0);
const x = {
  ...all,
  dims: [chosen.length, 5],
  data: Float32Array.from(
    chosen.flatMap((i) => Array.from(all.data.subarray(5 * i, 5 * i + 5))),
  ),
};
const y = Int32Array.from(chosen, () => 0);
const margins = chosen.map((_, i) =>
  w.reduce((sum, v, k) => sum + v * x.data[5 * i + k]!, -0.2),
);

describe("uap", () => {
  test.each([
    ["linf", w.reduce((sum, v) => sum + Math.abs(v), 0)],
    ["l2", Math.hypot(...w)],
  ] as const)(
    "in %s it is the best perturbation of samples on one side of a plane",
    async (norm, dual) => {
      const reach = margins.map((m) => m / dual);
      const [eps = 0] = [...reach]
        .sort((a, b) => a - b)
        .slice(Math.floor(0.7 * chosen.length));
      const { examples, logits } = await attacked(
        "uap",
        model,
        { x, y },
        { norm, eps, bounds: [-9, 9], params: { delta: 0 } },
      );
      reach.forEach((needed, i) => {
        const [own = 0, other = 0] = logits.data.subarray(2 * i, 2 * i + 2);
        if (Math.abs(needed - eps) > 0.02 * eps)
          expect(own < other).toBe(needed < eps);
      });
      // One perturbation for all.
      const v = Array.from(w, (_, k) => examples.data[k]! - x.data[k]!);
      for (let i = 0; i < examples.data.length; i++)
        expect(examples.data[i]).toBeCloseTo(x.data[i]! + v[i % 5]!, 5);
    },
  );

  test("ends when no more than delta stands, and keeps to a budget of queries", async () => {
    const ask = (params: Record<string, unknown>, queries?: number) =>
      attacked(
        "uap",
        model,
        { x, y },
        { norm: "linf", eps: 0.2, params, queries },
      );
    const easy = await ask({ delta: 0.9 });
    const hard = await ask({ delta: 0, epochs: 3 });
    expect(easy.target.queries.gradient).toBeLessThanOrEqual(
      hard.target.queries.gradient,
    );
    const few = await ask({ delta: 0 }, 4);
    const { gradient, forward } = few.target.queries;
    expect(gradient + forward).toBeLessThanOrEqual(4 * chosen.length);
    expect(gradient).toBeGreaterThan(0);
    expect(easy.examples.data).not.toEqual(x.data);
  });
});

const placement = fc.record({
  row: fc.double({ min: 0, max: 7, noNaN: true }),
  column: fc.double({ min: 0, max: 9, noNaN: true }),
  angle: fc.double({ min: -180, max: 180, noNaN: true }),
  pixels: fc.integer({ min: 1, max: 50 }),
});

describe("a patch on an image", () => {
  test("covers as many pixels as it says, and its gradient is the adjoint", () => {
    fc.assert(
      fc.property(placement, fc.nat(), (where, seed) => {
        const random = new Random(seed);
        const draw = () => random.normal();
        const places = covered(8, 10, 8, where);
        const inside =
          Math.min(where.row + 0.5, 7.5 - where.row) >=
            diameterOf(where.pixels) / 2 + 1.5 &&
          Math.min(where.column + 0.5, 9.5 - where.column) >=
            diameterOf(where.pixels) / 2 + 1.5;
        if (inside) expect(places.length).toBe(where.pixels);
        expect(places.length).toBeLessThanOrEqual(where.pixels);
        expect(new Set(places.map((p) => p.pixel)).size).toBe(places.length);
        for (const { weights } of places)
          expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        // <lay(p), g> = <p, lift(g)> on what is covered.
        const patch = Float64Array.from({ length: 2 * 64 }, draw);
        const g = Float32Array.from({ length: 2 * 80 }, draw);
        const image = new Float32Array(2 * 80);
        lay(image, patch, 2, places);
        const back = new Float64Array(patch.length);
        lift(back, g, 2, places);
        const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
          Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
        expect(dot(image, g)).toBeCloseTo(dot(patch, back), 4);
      }),
    );
  });

  test("shows the patch itself, turned counter-clockwise", () => {
    const side = 8;
    // Bright above the middle.
    const patch = Float64Array.from({ length: side * side }, (_, i) =>
      i < (side * side) / 2 ? 1 : 0,
    );
    const shown = (angle: number) => {
      const image = new Float32Array(side * side).fill(0.5);
      const where = { row: 3.5, column: 3.5, angle, pixels: 44 };
      lay(image, patch, 1, covered(side, side, side, where));
      return [
        image[1 * side + 3],
        image[6 * side + 3],
        image[3 * side + 1],
        image[3 * side + 6],
      ];
    };
    expect(shown(0).slice(0, 2)).toEqual([1, 0]);
    expect(shown(180).slice(0, 2)).toEqual([0, 1]);
    // What was above is now to the left.
    expect(shown(90).slice(2)).toEqual([1, 0]);
  });
});

describe("patch", () => {
  const random = new Random(6);
  const shape = [1, 6, 6];
  // The second class is seen in bright pixels, wherever they are.
  const weights = [
    Array.from({ length: 36 }, () => -0.5),
    Array.from({ length: 36 }, () => 0.5 + 0.1 * random.uniform()),
    Array.from({ length: 36 }, () => -2),
  ];
  const images = {
    ...uniformPoints(20, 36, [0.1, 0.4], 8),
    dims: [20, ...shape],
  };
  const model = linearModel(weights, [14, 0, 0], shape);
  const y = new Int32Array(20);
  const run = (params: Record<string, unknown>, queries?: number) =>
    attacked(
      "patch",
      model,
      { x: images, y },
      { norm: "none", params, queries },
    );
  const changed = (examples: Float32Array) =>
    Array.from(y, (_, i) =>
      Array.from({ length: 36 }, (_, k) => 36 * i + k).filter(
        (k) => examples[k] !== images.data[k],
      ),
    );

  test("covers its share of the image, with what the class is seen in", async () => {
    const { examples, distances } = await run({ share: 0.3, steps: 60 });
    for (const places of changed(examples.data)) {
      expect(places.length).toBeLessThanOrEqual(Math.floor(0.3 * 36));
      expect(places.length).toBeGreaterThan(5);
      for (const k of places) expect(examples.data[k]).toBeGreaterThan(0.9);
    }
    expect(distances.length).toBe(20);
  });

  test("keeps to a budget of queries, and refuses a share that does not fit", async () => {
    const { target } = await run({ share: 0.3, steps: 60 }, 9);
    const { gradient, forward } = target.queries;
    expect(gradient + forward).toBeLessThanOrEqual(9 * 20);
    expect(gradient).toBeGreaterThan(0);
    await expect(run({ share: 0.9 })).rejects.toThrow(/does not fit/);
    await expect(run({ share: 0.01 })).rejects.toThrow(/no pixel/);
  });
});
