import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { defend, type Sanitizer, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { floats } from "#onnx";
import { sanitizerLaws } from "../../src/conformance/index.ts";
import { reference, smallDigits } from "../reference.ts";
import { sanitized } from "../sanitized.ts";
import { lawful } from "./laws.ts";

/** Parameters that keep most of the accuracy of the reference model, on 8x8 images. */
const mild: Record<string, Record<string, unknown>> = {
  "bit-depth": { bits: 4 },
  median: { size: 3 },
  mean: { size: 2 },
  gaussian: { sigma: 0.5 },
  "gaussian-noise": { sigma: 0.1 },
  pca: { components: 30 },
  quilting: { nearest: 2 },
  "denoising-autoencoder": {
    channels: 8,
    epochs: 60,
    batchSize: 16,
    learningRate: 0.01,
  },
  "guided-denoiser": { width: 4, epochs: 4 },
  jpeg: { quality: 90 },
  "non-local-means": { search: 3 },
  "total-variation": { keep: 0.9, iterations: 12 },
  "resize-pad": { fill: 0 },
  "table-repair": {},
  "test-time-augmentation": { flip: false },
};

/** What they give may be outside the bounds: cutting it off would hide gradients. */
const leaveBounds = ["gaussian-noise", "pca", "guided-denoiser"];

/**
 * The share of the accuracy that a sanitizer costs at most; a third
 * where it is not said.
 */
const costs: Record<string, number> = {
  // Strokes of digits in 8x8 pixels are hardly wider than its window.
  mean: 0.5,
};

lawful("sanitizer", sanitizers, (unit) => {
  const params = mild[unit.id];
  if (!params)
    throw new Error("state the mildest parameters of a new sanitizer here");
  const leavesBounds = leaveBounds.includes(unit.id);
  return sanitizerLaws(unit, { params, leavesBounds, cost: costs[unit.id] });
});

test("bit depth rounds to the nearest level", async () => {
  const unit = sanitizers.find((s) => s.id === "bit-depth") as Sanitizer;
  const out = await sanitized(
    unit,
    floats([1, 1, 1, 6], [0, 0.1, 0.2, 0.49, 0.51, 1]),
    { bits: 2 },
  );
  for (const [i, v] of [0, 0, 1 / 3, 1 / 3, 2 / 3, 1].entries()) {
    expect(out.data[i]).toBeCloseTo(v, 6);
  }
});

test("median is the rank filter that it says, at every pixel and size", async () => {
  const unit = sanitizers.find((s) => s.id === "median") as Sanitizer;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 3, max: 6 }),
      fc.integer({ min: 3, max: 6 }),
      fc.nat(),
      async (size, h, w, seed) => {
        const random = new Random(seed);
        const pixels = Array.from({ length: h * w }, () =>
          Math.fround(random.uniform()),
        );
        const out = await sanitized(unit, floats([1, 1, h, w], pixels), {
          size,
        });
        const mirrored = (at: number, length: number) => {
          const folded = ((at % (2 * length)) + 2 * length) % (2 * length);
          return folded < length ? folded : 2 * length - 1 - folded;
        };
        for (let r = 0; r < h; r++) {
          for (let c = 0; c < w; c++) {
            const window: number[] = [];
            for (let i = 0; i < size; i++) {
              for (let j = 0; j < size; j++) {
                const row = mirrored(r + i - Math.floor(size / 2), h);
                const column = mirrored(c + j - Math.floor(size / 2), w);
                window.push(pixels[row * w + column]!);
              }
            }
            window.sort((a, b) => a - b);
            expect(out.data[r * w + c]).toBe(
              window[Math.floor((size * size) / 2)],
            );
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

test("an adaptive attack sees through what an unaware one does not", async () => {
  // Rounding to two levels has no gradient of its own; straight-through gives one.
  const unit = sanitizers.find((s) => s.id === "bit-depth") as Sanitizer;
  const { x, y } = (await smallDigits()).test;
  const defended = defend(await reference(), [
    { unit, params: unit.params.parse({ bits: 1 }) },
  ]);
  const exact = await compile(
    { ...defended, straightThrough: [] },
    onnxruntime,
  );
  await expect(exact.lossGradient(x, y)).rejects.toMatchObject({
    code: "GRADIENT_NO_PATH",
  });
});
