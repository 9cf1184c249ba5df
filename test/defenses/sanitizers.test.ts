import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { defend, type Sanitizer, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { jpeg as corruption } from "../../attacks/corruptions/jpeg.ts";
import { untrained } from "../reference.ts";
import { runs } from "../runs.ts";
import { sanitized } from "../sanitized.ts";

const unitOf = (id: string) => sanitizers.find((s) => s.id === id) as Sanitizer;

function images(dims: readonly number[], seed: number): FloatTensor {
  const random = new Random(seed);
  const size = dims.reduce((p, d) => p * d, 1);
  return floats(
    dims,
    Array.from({ length: size }, () => random.uniform()),
  );
}

/** Pixel of an image that is mirrored outwards, the edge repeated. */
function mirror(at: number, length: number): number {
  const folded = ((at % (2 * length)) + 2 * length) % (2 * length);
  return folded < length ? folded : 2 * length - 1 - folded;
}

test("JPEG is that of the corruption, in colour and without, at any size", async () => {
  const shares: number[] = [];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 3),
      fc.integer({ min: 3, max: 19 }),
      fc.integer({ min: 3, max: 19 }),
      fc.integer({ min: 5, max: 95 }),
      fc.nat(),
      async (channels, height, width, quality, seed) => {
        const input = images([1, channels, height, width], seed);
        const ours = await sanitized(unitOf("jpeg"), input, { quality });
        const plain = corruption.apply(
          { channels, height, width, data: input.data },
          quality,
          new Random(0),
        );
        const apart = Array.from(plain, (v, i) =>
          Math.abs(Math.min(1, Math.max(0, v)) - ours.data[i]!),
        );
        shares.push(apart.filter((d) => d < 1.5 / 255).length / apart.length);
        expect(
          apart.reduce((sum, d) => sum + d, 0) / apart.length,
        ).toBeLessThan(0.05);
      },
    ),
    runs(15),
  );
  // A wave in the middle of two levels may be rounded otherwise, and takes
  // its block along.
  const middle = shares.sort((a, b) => a - b)[shares.length >> 1];
  expect(middle).toBeGreaterThan(0.98);
});

test("total variation moves the halves of a step together by lambda over their size", async () => {
  const half = 4;
  const step = Array.from({ length: 2 * half }, (_, i) =>
    i < half ? 0.2 : 0.8,
  );
  const out = await sanitized(
    unitOf("total-variation"),
    floats([1, 1, 1, 2 * half], step),
    { keep: 1, lambda: 0.4, iterations: 500 },
  );
  for (const [i, v] of out.data.entries())
    expect(v).toBeCloseTo(i < half ? 0.25 : 0.75, 3);
});

test("total variation fills in what was dropped, and keeps nothing of it", async () => {
  const flat = floats([2, 1, 8, 8], new Array<number>(128).fill(0.3));
  const [unit, params] = [unitOf("total-variation"), { iterations: 300 }];
  const out = await sanitized(unit, flat, params);
  for (const v of out.data) expect(v).toBeCloseTo(0.3, 2);
  const odd = images([1, 1, 6, 6], 3);
  const at = await sanitized(unit, odd, { iterations: 5, keep: 1e-6 });
  for (const v of at.data) expect(v).toBeCloseTo(0.5, 5);
});

test("non-local means are the weighted means that they say", async () => {
  const [channels, height, width, search, patch] = [2, 5, 6, 5, 3];
  const input = images([1, channels, height, width], 4);
  const out = await sanitized(unitOf("non-local-means"), input, {
    search,
    patch,
    strength: 60,
  });
  const at = (c: number, r: number, q: number) =>
    input.data[(c * height + mirror(r, height)) * width + mirror(q, width)]!;
  const across = Array.from({ length: channels }, (_, c) => c);
  const square = (r: number, q: number, dy: number, dx: number) =>
    across.reduce(
      (sum, c) => sum + (at(c, r, q) - at(c, r + dy, q + dx)) ** 2,
      0,
    ) / channels;
  const steps = (size: number) =>
    Array.from({ length: size }, (_, i) => i - (size >> 1));
  const near = (r: number, q: number, dy: number, dx: number) => {
    const all = steps(patch).flatMap((i) =>
      steps(patch).map((j) =>
        // The differences are mirrored at the edge, not the pixels.
        square(mirror(r + i, height), mirror(q + j, width), dy, dx),
      ),
    );
    return all.reduce((sum, v) => sum + v, 0) / all.length;
  };
  for (let r = 0; r < height; r++)
    for (let q = 0; q < width; q++) {
      const weights = steps(search).flatMap((dy) =>
        steps(search).map(
          (dx) =>
            [Math.exp(-near(r, q, dy, dx) / (60 / 255) ** 2), dy, dx] as const,
        ),
      );
      const total = weights.reduce((sum, [w]) => sum + w, 0);
      for (const c of across) {
        const expected =
          weights.reduce(
            (sum, [w, dy, dx]) => sum + w * at(c, r + dy, q + dx),
            0,
          ) / total;
        expect(out.data[(c * height + r) * width + q]).toBeCloseTo(expected, 4);
      }
    }
});

test.each([
  ["mean", { size: 3 }, [1 / 3, 1 / 3, 1 / 3]],
  ["mean", { size: 2 }, [1 / 2, 1 / 2]],
  // exp(-k^2 / (2 * 0.25)), as far as four deviations.
  [
    "gaussian",
    { sigma: 0.5 },
    [0.000263865, 0.106450773, 0.786570724, 0.106450773, 0.000263865],
  ],
] as const)(
  "%s smoothing is a filter along both axes",
  async (id, params, weights) => {
    const [height, width] = [4, 5];
    const input = images([1, 1, height, width], 5);
    const out = await sanitized(unitOf(id), input, params);
    const before = weights.length >> 1;
    for (let r = 0; r < height; r++)
      for (let q = 0; q < width; q++) {
        let sum = 0;
        for (const [i, w] of weights.entries())
          for (const [j, v] of weights.entries()) {
            const [y, x] = [
              mirror(r + i - before, height),
              mirror(q + j - before, width),
            ];
            sum += w * v * input.data[y * width + x]!;
          }
        expect(out.data[r * width + q]).toBeCloseTo(sum, 5);
      }
  },
);

test("random resizing shows every sample at a size and a place of its own, in a grey frame", async () => {
  const size = 10;
  // A ramp says which row and column a pixel was taken from.
  const ramp = Array.from(
    { length: size * size },
    (_, i) => (1 + i) / (size * size + 1),
  );
  const many = 40;
  const out = await sanitized(
    unitOf("resize-pad"),
    floats(
      [many, 1, size, size],
      Array.from({ length: many }, () => ramp).flat(),
    ),
    { smallest: 0.7, fill: 1 },
  );
  const seen = new Set<number>();
  for (let n = 0; n < many; n++) {
    const image = out.data.subarray(n * size * size, (n + 1) * size * size);
    const inside = [...image].map((v) => v < 1);
    const rows = Array.from(
      { length: size },
      (_, r) => inside.slice(r * size, (r + 1) * size).filter(Boolean).length,
    );
    const resized = rows.filter((count) => count > 0).length;
    // As many rows as columns, all of one length.
    expect(new Set(rows.filter((count) => count > 0))).toEqual(
      new Set([resized]),
    );
    expect(resized).toBeGreaterThanOrEqual(7);
    const first = inside.indexOf(true);
    expect(image[first]).toBeCloseTo(ramp[0]!, 5);
    const last = inside.lastIndexOf(true);
    const from = Math.floor(((resized - 1) * size) / resized);
    expect(image[last]).toBeCloseTo(ramp[from * size + from]!, 5);
    seen.add(resized * 100 + first);
  }
  expect(seen.size).toBeGreaterThan(10);
});

test("views: the logits are the mean over the versions, behind another one as well", async () => {
  const model = untrained();
  const unit = unitOf("test-time-augmentation");
  const x = images([3, 1, 8, 8], 6);
  const params = unit.params.parse({ shift: 2 });
  const versions = await sanitized(unit, x, params);
  expect(versions.dims).toEqual([3, 10, 1, 8, 8]);
  const plain = await compile(model, onnxruntime);
  const each = await plain.logits({ ...versions, dims: [30, 1, 8, 8] });
  const behind = await compile(defend(model, [{ unit, params }]), onnxruntime);
  const { data } = await behind.logits(x);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, v) => sum + v, 0) / values.length;
  for (let n = 0; n < 3; n++)
    for (let k = 0; k < 5; k++)
      expect(data[n * 5 + k]).toBeCloseTo(
        mean(
          Array.from(
            { length: 10 },
            (_, v) => each.data[(n * 10 + v) * 5 + k]!,
          ),
        ),
        4,
      );

  // Noise behind the versions is drawn for each of them.
  const noise = unitOf("gaussian-noise");
  const both = defend(model, [
    { unit, params },
    { unit: noise, params: noise.params.parse({ sigma: 0.5, draws: 3 }) },
  ]);
  expect(both.noise?.map((n) => n.dims)).toEqual([[10, 3, 1, 8, 8]]);
  const noisy = await compile(both, onnxruntime);
  const draws = () => Array.from({ length: 3 }, (_, i) => new Random(i));
  const { data: one } = await noisy.logits(x, draws());
  expect((await noisy.logits(x, draws())).data).toEqual(one);
  expect((await noisy.logits(x)).data).not.toEqual(one);
  for (const compiled of [plain, behind, noisy]) await compiled.release();
});

test("quilting finds an image again among its own patches, at any size", async () => {
  for (const [channels, height, width] of [
    [1, 8, 11],
    [3, 7, 5],
    [2, 4, 9],
  ] as const) {
    const image = images([1, channels, height, width], 8);
    const at = (c: number, y: number, x: number) =>
      image.data[
        (c * height + Math.min(height - 1, y)) * width + Math.min(width - 1, x)
      ]!;
    const patches: number[][] = [];
    for (let top = 0; top < height; top++)
      for (let left = 0; left < width; left++)
        patches.push(
          Array.from({ length: 25 * channels }, (_, k) =>
            at(
              Math.floor(k / 25),
              top + (Math.floor(k / 5) % 5),
              left + (k % 5),
            ),
          ),
        );
    const fitted = new Map([
      ["patches", floats([patches.length, 25 * channels], patches.flat())],
    ]);
    const out = await sanitized(
      unitOf("quilting"),
      image,
      { nearest: 1 },
      { fitted },
    );
    expect(out).toEqual(image);
  }
});

test("quilting cuts each line of an overlap where the tiles differ less", async () => {
  // Two tiles side by side: the left one of 0, the right one of 1 but for its first
  // column in rows 0 and 1.
  const right = Array.from({ length: 25 }, (_, k) =>
    k % 5 === 0 && k < 10 ? 0.1 : 1,
  );
  const bank = floats([2, 25], [...new Array<number>(25).fill(0), ...right]);
  const line = [0, 0, 0, 1, 1, 1, 1, 1];
  const image = floats(
    [1, 1, 5, 8],
    Array.from({ length: 5 }, () => line).flat(),
  );
  const out = await sanitized(
    unitOf("quilting"),
    image,
    { nearest: 1 },
    { fitted: new Map([["patches", bank]]) },
  );
  const shown = Array.from({ length: 5 }, (_, y) =>
    Array.from(out.data.subarray(8 * y, 8 * y + 8), (v) =>
      Number(v.toFixed(3)),
    ),
  );
  expect(shown[0]).toEqual([0, 0, 0, 0.1, 1, 1, 1, 1]);
  // Equal errors: the right tile begins at once.
  expect(shown[4]).toEqual([0, 0, 0, 1, 1, 1, 1, 1]);
});
