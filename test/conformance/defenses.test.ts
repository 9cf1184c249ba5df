import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import {
  type ChosenSanitizer,
  defend,
  type Fitted,
  type Sanitizer,
  sanitizers,
} from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, loadModel, type Model, saveModel } from "#model";
import { type FloatTensor, floats, rows, sizeOf } from "#onnx";
import { attacked } from "../attacks/attacked.ts";
import { reference, smallDigits } from "../reference.ts";
import { sanitized } from "../sanitized.ts";

let model: Model;
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  model = await reference();
  const { test: data } = await smallDigits();
  ({ x, y } = data);
});

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

const fits = new Map<string, Promise<Fitted | undefined>>();

/** A sanitizer with its mild parameters, fitted once. */
async function chosen(unit: Sanitizer): Promise<ChosenSanitizer> {
  const stated = mild[unit.id];
  expect(
    stated,
    "state the mildest parameters of a new sanitizer here",
  ).toBeDefined();
  const params = unit.params.parse(stated);
  const fitted =
    fits.get(unit.id) ??
    smallDigits().then(({ train, validation }) =>
      unit.fit?.(
        {
          model,
          engine: onnxruntime,
          train,
          validation,
          random: new Random(5),
          onProgress() {},
        },
        params,
      ),
    );
  fits.set(unit.id, fitted);
  return { unit, params, fitted: await fitted };
}

const streams = (seed: number) =>
  Array.from(y, (_, i) => new Random(seed).fork(i));

/** How many samples a model gets right, each by one draw. */
async function right(m: Model, images = x): Promise<number> {
  const compiled = await compile(m, onnxruntime);
  const predicted = argmaxRows(await compiled.logits(images, streams(7)));
  await compiled.release();
  return predicted.filter((p, i) => p === y[i]).length;
}

/**
 * Auto-PGD's examples against a model, the gradient averaged over draws where it
 * draws at random.
 */
async function broken(m: Model): Promise<FloatTensor> {
  const { examples } = await attacked(
    "apgd-ce",
    m,
    { x, y },
    {
      norm: "linf",
      eps: 0.15,
      params: { steps: 10, restarts: 1, eot: m.noise ? 5 : 1 },
    },
  );
  return examples;
}

describe.each(sanitizers.map((s) => [s.id, s] as const))(
  "sanitizer %s",
  (_id, unit) => {
    test("keeps shape and bounds, and gives the same bytes for the same seed", async () => {
      const { params, fitted } = await chosen(unit);
      const { shape } = model.contract;
      const dims = unit.fit ? [3, ...shape] : [3, 3, 7, 5];
      const random = new Random(1);
      const input = floats(
        dims,
        Float32Array.from({ length: sizeOf(dims) }, () => random.uniform()),
      );
      const made = (seed: number) =>
        sanitized(unit, input, params, { fitted, seed });
      const [one, two] = [await made(1), await made(1)];
      const views = unit.views?.(params) ?? 1;
      expect(one.dims).toEqual(
        views === 1 ? dims : [3, views, ...dims.slice(1)],
      );
      if (!leaveBounds.includes(unit.id))
        expect(one.data.every((v) => v >= -1e-6 && v <= 1 + 1e-6)).toBe(true);
      expect(two.data).toEqual(one.data);
      const draws = defend(model, [await chosen(unit)]).noise !== undefined;
      expect(equalBytes((await made(2)).data, one.data)).toBe(!draws);
    });

    test("an adaptive attack gets a gradient through it", async () => {
      const defended = await compile(
        defend(model, [await chosen(unit)]),
        onnxruntime,
      );
      const { gradient, logits } = await defended.lossGradient(
        x,
        y,
        {},
        streams(1),
      );
      const width = gradient.data.length / y.length;
      for (let i = 0; i < y.length; i++) {
        expect(
          gradient.data
            .subarray(i * width, (i + 1) * width)
            .some((g) => g !== 0),
        ).toBe(true);
      }
      // The gradient pass sees the same model as the forward pass, however the
      // samples are batched.
      const one = await defended.logits(x, streams(1));
      const half = y.length >> 1;
      const two = [
        await defended.logits(
          rows(x, 0, half) as FloatTensor,
          streams(1).slice(0, half),
        ),
        await defended.logits(
          rows(x, half, y.length) as FloatTensor,
          streams(1).slice(half),
        ),
      ].flatMap((part) => [...part.data]);
      for (const [i, z] of logits.data.entries()) {
        expect(z).toBeCloseTo(one.data[i]!, 3);
        expect(two[i]).toBeCloseTo(one.data[i]!, 3);
      }
      await defended.release();
    });

    test("the hardened file gives the same answers in plain onnxruntime", async () => {
      const [bits] = sanitizers;
      const defended = defend(model, [
        await chosen(unit),
        await chosen(bits as Sanitizer),
        await chosen(unit),
      ]);
      const file = join(mkdtempSync(join(tmpdir(), "assay-")), "hardened.onnx");
      saveModel(file, defended);
      const plain = await ort.InferenceSession.create(file);
      expect(plain.inputNames).toEqual([defended.input]);
      const out = await plain.run({
        [defended.input]: new ort.Tensor("float32", x.data, x.dims),
      });
      const answers = out[plain.outputNames[0]!];
      const ours = await compile(defended, onnxruntime);
      const logits = await ours.logits(x, streams(1));
      expect(answers?.dims).toEqual(logits.dims);
      if (!defended.noise) expect(answers?.data).toEqual(logits.data);
      const seen = [...((answers?.data ?? []) as Float32Array)];
      expect(seen).toHaveLength(logits.data.length);
      expect(seen.every(Number.isFinite)).toBe(true);
      // Read again, it draws from our generators, and can still be attacked through its
      // rounding and sorting.
      const again = await compile(await loadModel(file), onnxruntime);
      expect((await again.logits(x, streams(1))).data).toEqual(logits.data);
      expect(
        (await again.lossGradient(x, y, {}, streams(1))).gradient.data,
      ).toEqual((await ours.lossGradient(x, y, {}, streams(1))).gradient.data);
      await ours.release();
      await again.release();
    });

    test("costs no more of the clean accuracy on the reference task than is said", async () => {
      const defended = defend(model, [await chosen(unit)]);
      expect(await right(defended)).toBeGreaterThan(
        (1 - (costs[unit.id] ?? 1 / 3)) * (await right(model)),
      );
    });

    test("an attack that knows it breaks about as much as one that does not, or more", async () => {
      const defended = defend(model, [await chosen(unit)]);
      const asIs = await right(defended, await broken(model));
      const adaptive = await right(defended, await broken(defended));
      expect(adaptive).toBeLessThanOrEqual(asIs + 0.1 * y.length);
    });
  },
);

const equalBytes = (a: Float32Array, b: Float32Array) =>
  a.every((v, i) => v === b[i]);

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
  const defended = defend(model, [
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
