import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossedInterval } from "../../../src/audit/statistics/crossed.ts";
import { clopperPearson } from "../../../src/audit/statistics/intervals.ts";

const rows = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 60 }))
  .chain(([k, n]) =>
    fc.array(fc.array(fc.boolean(), { minLength: n, maxLength: n }), {
      minLength: k,
      maxLength: k,
    }),
  );

const width = ({ low, high }: { low: number; high: number }) => high - low;

describe("the interval of several trainings on the same samples", () => {
  test("holds the mean, has a width, and is symmetric", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const mean = all.flat().filter(Boolean).length / all.flat().length;
        const { low, high } = crossedInterval(all);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThan(high);
        expect(low).toBeLessThanOrEqual(mean + 1e-12);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-12);
        const others = all.map((row) => row.map((one) => !one));
        expect(crossedInterval(others).low).toBeCloseTo(1 - high, 9);
      }),
      { numRuns: 60 },
    );
  });

  const row = (n: number, successes: number) =>
    Array.from({ length: n }, (_, i) => i < successes);

  test("is never narrower than the exact one of the samples, and near it where five agree", () => {
    for (const [n, k] of [
      [20, 0],
      [60, 60],
      [200, 100],
      [500, 25],
    ] as const) {
      const exact = clopperPearson(k, n);
      const found = crossedInterval(Array.from({ length: 5 }, () => row(n, k)));
      expect(found.low).toBeLessThanOrEqual(exact.low);
      expect(found.high).toBeGreaterThanOrEqual(exact.high);
      expect(width(found)).toBeLessThan(1.1 * width(exact));
    }
  });

  test("two trainings say less than five, and such as lie apart less than such as agree", () => {
    const two = crossedInterval([row(200, 90), row(200, 110)]);
    const five = crossedInterval(
      [90, 110, 95, 105, 100].map((k) => row(200, k)),
    );
    const apart = crossedInterval([row(200, 60), row(200, 140)]);
    const [low, high] = [0.14, 0.6];
    expect(width(five)).toBeGreaterThan(low);
    expect(width(five)).toBeLessThan(width(two));
    expect(width(two)).toBeLessThan(high);
    expect(width(apart)).toBeGreaterThan(width(two));
    expect(width(apart)).toBeLessThan(1);
  });
});
