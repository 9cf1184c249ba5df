import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { floats } from "#onnx";
import {
  type Augmentation,
  augmentations,
  type Batch,
  type TrainingContext,
} from "#tuning";
import { untrained } from "../reference.ts";

const SHAPE = [3, 6, 5];
const CLASSES = 4;

function batchOf(n: number, seed: number): Batch {
  const random = new Random(seed);
  const size = SHAPE.reduce((p, d) => p * d, 1);
  const y = Int32Array.from({ length: n }, () => random.below(CLASSES));
  const targets = new Float32Array(n * CLASSES);
  y.forEach((label, i) => {
    targets[i * CLASSES + label] = 1;
  });
  return {
    x: floats(
      [n, ...SHAPE],
      Array.from({ length: n * size }, () => random.uniform()),
    ),
    y,
    targets: floats([n, CLASSES], targets),
  };
}

const context = (shape = SHAPE) =>
  ({
    model: { ...untrained(), contract: { shape, bounds: [0, 1] } },
    engine: onnxruntime,
  }) as unknown as TrainingContext;

async function augmented(
  unit: Augmentation,
  batch: Batch,
  seed: number,
  params: object = {},
): Promise<Batch> {
  const part = unit.open(unit.params.parse(params), context());
  const random = new Random(seed);
  const moment = {
    random: Array.from(batch.y, (_, i) => random.fork(i)),
    batchRandom: random.fork("batch"),
  };
  const after = await part.prepare?.(batch, moment as never);
  return after ?? batch;
}

describe.each(augmentations.map((a) => [a.id, a] as const))(
  "augmentation %s",
  (_id, unit) => {
    test("keeps shapes, bounds and the weight of the labels; the same seed gives the same bytes", () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 5 }),
          fc.nat(1000),
          async (n, seed) => {
            const batch = batchOf(n, seed);
            const before = batch.x.data.slice();
            const one = await augmented(unit, batch, seed);
            const two = await augmented(unit, batch, seed);
            expect(two).toEqual(one);
            expect(one.x.dims).toEqual(batch.x.dims);
            for (const v of one.x.data)
              expect(v >= -1e-6 && v <= 1 + 1e-6).toBe(true);
            for (let i = 0; i < n; i++) {
              const row = one.targets?.data.slice(
                i * CLASSES,
                (i + 1) * CLASSES,
              );
              expect(row?.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
            }
            expect(batch.x.data).toEqual(before);
          },
        ),
        { numRuns: 25 },
      ));

    test("changes something, and another seed something else", async () => {
      const batch = batchOf(8, 3);
      const one = await augmented(unit, batch, 1);
      expect(one.x.data).not.toEqual(batch.x.data);
      expect((await augmented(unit, batch, 2)).x.data).not.toEqual(one.x.data);
    });

    test("has a reference, and leaves validation alone", () => {
      const part = unit.open(unit.params.parse({}), context());
      expect(part.judge).toBeUndefined();
      expect(unit.reference).toMatch(/\d{4}/);
    });
  },
);
