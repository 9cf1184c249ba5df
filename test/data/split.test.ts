import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random, UsageError } from "#core";
import { type Dataset, splitDataset, stratifiedSample } from "#data";
import { indicesOf, numbered } from "./tiny.ts";

const shares = { train: 0.7, validation: 0.1, test: 0.2 };
const parts = ["train", "validation", "test"] as const;

/** Shuffled labels of 1 to 5 classes, each with 10 to 40 samples. */
const datasets = fc
  .tuple(
    fc.array(fc.integer({ min: 10, max: 40 }), { minLength: 1, maxLength: 5 }),
    fc.integer(),
  )
  .map(([sizes, seed]) => {
    const labels = sizes.flatMap((size, label) => new Array(size).fill(label));
    const order = new Random(seed).permutation(labels.length);
    return numbered(
      order.map((i) => labels[i]),
      sizes.length,
    );
  });

/** Shares in steps of 5 %, each at least 10 %, together at most 1. */
const someShares = fc
  .tuple(
    fc.integer({ min: 2, max: 8 }),
    fc.integer({ min: 2, max: 6 }),
    fc.integer({ min: 2, max: 6 }),
  )
  .map(([train, validation, test]) => ({
    train: train * 0.05,
    validation: validation * 0.05,
    test: test * 0.05,
  }));

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function countOf(data: Dataset, label: number): number {
  return data.y.filter((found) => found === label).length;
}

describe("splitDataset", () => {
  it("uses every sample once when the shares add up to 1", () => {
    fc.assert(
      fc.property(datasets, seeds, (data, seed) => {
        const split = splitDataset(data, shares, new Random(seed));
        const size = data.y.length;
        const used = parts.flatMap((part) => indicesOf(split[part], size));
        expect(used.sort((a, b) => a - b)).toEqual([...data.y.keys()]);
      }),
    );
  });

  it("is disjoint, keeps labels and order, and divides each class within one of its share", () => {
    fc.assert(
      fc.property(datasets, someShares, seeds, (data, some, seed) => {
        const split = splitDataset(data, some, new Random(seed));
        const size = data.y.length;
        const used = parts.flatMap((part) => indicesOf(split[part], size));
        expect(new Set(used).size).toBe(used.length);
        for (const part of parts) {
          const indices = indicesOf(split[part], size);
          expect(indices).toEqual([...indices].sort((a, b) => a - b));
          expect(Array.from(split[part].y)).toEqual(
            indices.map((index) => data.y[index]),
          );
          for (const label of data.classes.keys()) {
            const due = countOf(data, label) * some[part];
            const got = countOf(split[part], label);
            expect(Math.abs(got - due)).toBeLessThan(1 + 1e-9);
          }
        }
      }),
    );
  });

  it("is the same for the same seed and another for another", () => {
    const data = numbered(
      Array.from({ length: 100 }, (_, i) => i % 2),
      2,
    );
    fc.assert(
      fc.property(seeds, (seed) => {
        const train = (s: number) =>
          splitDataset(data, shares, new Random(s)).train.fingerprint;
        expect(train(seed)).toBe(train(seed));
        expect(train(seed)).not.toBe(train(seed + 1));
      }),
      { numRuns: 20 },
    );
  });

  it("leaves a part with a share of 0 empty", () => {
    const data = numbered([0, 0, 1, 1], 2);
    const split = splitDataset(
      data,
      { train: 0, validation: 0, test: 1 },
      new Random(1),
    );
    expect(split.train.x.dims).toEqual([0, 1, 1, 1]);
    expect(split.test.fingerprint).toBe(data.fingerprint);
  });

  it("refuses to leave a class without samples in a part", () => {
    const data = numbered([...new Array(20).fill(0), 1, 1, 1], 2);
    expect(() => splitDataset(data, shares, new Random(1))).toThrow(
      /class "class 1" of numbered has 3 samples.*validation/,
    );
  });

  it.each([
    { train: 0.8, validation: 0.2, test: 0.1 },
    { train: -0.1, validation: 0.5, test: 0.5 },
    { train: Number.NaN, validation: 0.5, test: 0.5 },
  ])("refuses the shares %j", (wrong) => {
    const data = numbered([0, 1], 2);
    expect(() => splitDataset(data, wrong, new Random(1))).toThrow(UsageError);
  });
});

describe("stratifiedSample", () => {
  it("draws the asked number, once each, in order, each class within one of its share", () => {
    const withCount = datasets.chain((data) =>
      fc.tuple(fc.constant(data), fc.integer({ min: 1, max: data.y.length })),
    );
    fc.assert(
      fc.property(withCount, seeds, ([data, count], seed) => {
        const drawn = stratifiedSample(data, count, new Random(seed));
        expect(drawn.length).toBe(count);
        expect(new Set(drawn).size).toBe(count);
        expect(drawn).toEqual([...drawn].sort((a, b) => a - b));
        for (const label of data.classes.keys()) {
          const due = (count * countOf(data, label)) / data.y.length;
          const got = drawn.filter((index) => data.y[index] === label).length;
          expect(Math.abs(got - due)).toBeLessThan(1);
        }
        expect(stratifiedSample(data, count, new Random(seed))).toEqual(drawn);
      }),
    );
  });

  it.each([0, -1, 1.5, 5, Number.NaN])("refuses %d of 4 samples", (count) => {
    const data = numbered([0, 0, 1, 1], 2);
    expect(() => stratifiedSample(data, count, new Random(1))).toThrow(
      UsageError,
    );
  });
});
