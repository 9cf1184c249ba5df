import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { posed, Random } from "#core";
import { corruptions, type Image } from "../../attacks/corruptions/index.ts";
import { transformed } from "../../attacks/corruptions/jpeg.ts";

import { linearModel, smallDigits } from "../reference.ts";
import { attacked } from "./attacked.ts";

const photo = (
  seed: number,
  channels = 3,
  [height, width]: readonly [number, number] = [19, 22],
): Image => {
  const random = new Random(seed);
  // Smooth, as photographs are: a few waves.
  const waves = Array.from({ length: 4 }, () =>
    Array.from({ length: 4 }, () => random.uniform()),
  );
  const data = Float32Array.from(
    { length: channels * height * width },
    (_, i) => {
      const c = Math.floor(i / (height * width));
      const y = Math.floor(i / width) % height;
      const x = i % width;
      const sum = waves.reduce(
        (total, [a = 0, b = 0, p = 0, q = 0]) =>
          total + a * Math.sin(0.4 * b * y + 0.4 * p * x + 6 * q + c),
        0,
      );
      return Math.min(1, Math.max(0, 0.5 + sum / 4));
    },
  );
  return { channels, height, width, data };
};

const apart = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length);

describe.each(corruptions.map((c) => [c.id, c] as const))(
  "corruption %s",
  (_, { apply, severities }) => {
    test("grows with its severity, and is the same for the same seed", () => {
      const change = (constant: number) =>
        [1, 2, 3, 4, 5].reduce((sum, seed) => {
          // The size that the constants were chosen for.
          const image = photo(seed, 3, [32, 32]);
          const to = apply(image, constant, new Random(seed));
          expect(to.length).toBe(image.data.length);
          expect(apply(image, constant, new Random(seed))).toEqual(to);
          return sum + apart(to, image.data);
        }, 0);
      const changes = severities.map(change);
      expect(changes[0]).toBeGreaterThan(0);
      for (let i = 1; i < 5; i++)
        expect(changes[i]).toBeGreaterThanOrEqual(changes[i - 1]!);
    });

    test("takes images of one channel", () => {
      const image = photo(3, 1);
      const to = apply(image, severities[2], new Random(1));
      expect(to.every(Number.isFinite)).toBe(true);
      expect(to.length).toBe(image.data.length);
    });
  },
);

describe("jpeg", () => {
  const jpeg = corruptions.find((c) => c.id === "jpeg");

  test("the cosine transform is the direct sum, and its inverse undoes it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -128, max: 127, noNaN: true }), {
          minLength: 64,
          maxLength: 64,
        }),
        (values) => {
          const block = Float64Array.from(values);
          const waves = transformed(block, false);
          const scale = (k: number) => (k === 0 ? Math.SQRT1_2 : 1);
          for (const [v, u] of [
            [0, 0],
            [0, 3],
            [5, 2],
          ] as const) {
            let sum = 0;
            for (let y = 0; y < 8; y++)
              for (let x = 0; x < 8; x++)
                sum +=
                  block[8 * y + x]! *
                  Math.cos(((2 * y + 1) * v * Math.PI) / 16) *
                  Math.cos(((2 * x + 1) * u * Math.PI) / 16);
            const expected = (sum * scale(v) * scale(u)) / 4;
            expect(waves[8 * v + u]).toBeCloseTo(expected, 6);
          }
          transformed(waves, true).forEach((v, k) => {
            expect(v).toBeCloseTo(values[k]!, 6);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test("at quality 100 hardly anything of a grey image is lost", () => {
    const image = photo(2, 1);
    const to = jpeg?.apply(image, 100, new Random(1)) as Float32Array;
    image.data.forEach((v, i) => {
      expect(Math.abs(to[i]! - v)).toBeLessThan(2.5 / 255);
    });
  });

  test("one colour stays that colour", () => {
    const flat = { ...photo(1), data: photo(1).data.map(() => 0.5) };
    const to = jpeg?.apply(flat, 40, new Random(1)) as Float32Array;
    for (const v of to) expect(Math.abs(v - 0.5)).toBeLessThan(3 / 255);
  });
});

test("contrast keeps each channel's mean; photons are counted without bias", () => {
  const image = photo(4);
  const mean = (data: Float32Array) =>
    data.reduce((a, b) => a + b, 0) / data.length;
  const find = (id: string) => corruptions.find((c) => c.id === id);
  const flat = find("contrast")?.apply(image, 0.15, new Random(1));
  expect(mean(flat as Float32Array)).toBeCloseTo(mean(image.data), 5);
  const grey = { ...image, data: new Float32Array(20_000).fill(0.5) };
  const noisy = find("shot-noise")?.apply(grey, 50, new Random(1));
  const values = noisy as Float32Array;
  expect(mean(values)).toBeCloseTo(0.5, 2);
  // The variance of a count is its mean.
  const variance = mean(values.map((v) => (v - 0.5) ** 2));
  expect(variance).toBeCloseTo(0.5 / 50, 3);
});

test("the attack asks about every corruption of every sample, and measures each", async () => {
  const { test: data } = await smallDigits();
  const x = { ...data.x, dims: [6, 1, 8, 8], data: data.x.data.slice(0, 384) };
  const weights = [0, 1].map((k) =>
    Array.from({ length: 64 }, (_, i) => Math.sin(i + k)),
  );
  const y = new Int32Array(6);
  const whole = await attacked(
    "corruptions",
    linearModel(weights, [0, 0], [1, 8, 8]),
    { x, y },
    { norm: "none" },
  );
  const count = 5 * corruptions.length;
  expect(whole.target.queries.forward).toBe(6 * count);
  expect(whole.measures.length).toBe(count);
  expect(whole.notes).toEqual([]);
  const few = await attacked(
    "corruptions",
    linearModel(weights, [0, 0], [1, 8, 8]),
    { x, y },
    { norm: "none", queries: 7 },
  );
  expect(few.measures).toEqual(whole.measures.slice(0, 7));
  expect(few.notes).toEqual([expect.stringContaining("after 7 of 40")]);
  await expect(
    attacked(
      "corruptions",
      linearModel(weights, [0, 0]),
      { x: { ...x, dims: [6, 64] }, y },
      { norm: "none" },
    ),
  ).rejects.toThrow("needs images of shape [C, H, W]");
});

describe("poses", () => {
  const { data } = photo(5, 2);
  const shape = [2, 19, 22];

  test("standing still changes nothing, and whole pixels move whole", () => {
    const still = posed(data, shape, { angle: 0, down: 0, right: 0 }, [0, 1]);
    still.forEach((v, i) => {
      expect(v).toBeCloseTo(data[i]!, 6);
    });
    const moved = posed(
      data,
      shape,
      { angle: 0, down: 2 / 19, right: -3 / 22 },
      [0, 1],
    );
    for (const [c, r, q] of [
      [0, 5, 5],
      [1, 18, 18],
      [0, 2, 0],
    ] as const)
      expect(moved[(c * 19 + r) * 22 + q]).toBeCloseTo(
        data[(c * 19 + r - 2) * 22 + q + 3]!,
        5,
      );
    expect(moved[0]).toBe(0);
  });

  test("a quarter turn moves rows to columns", () => {
    const square = Float32Array.from(
      { length: 49 },
      (_, i) => ((i * 7) % 10) / 10,
    );
    const turned = posed(
      square,
      [1, 7, 7],
      { angle: 90, down: 0, right: 0 },
      [0, 1],
    );
    for (let r = 0; r < 7; r++)
      for (let c = 0; c < 7; c++)
        expect(turned[(6 - c) * 7 + r]).toBeCloseTo(square[r * 7 + c]!, 5);
  });
});
