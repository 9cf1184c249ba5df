import fc from "fast-check";
import { expect, test } from "vitest";
import type { Roc } from "../../../src/audit/results/cells.ts";
import { roc } from "../../../src/audit/statistics/roc.ts";

const numbers = fc.array(fc.integer({ min: 0, max: 20 }), {
  minLength: 1,
  maxLength: 40,
});

test("the area is the share of pairs in which the positive scores higher, ties counting half", () => {
  fc.assert(
    fc.property(numbers, numbers, (negatives, positives) => {
      const found = roc(negatives, positives);
      let sum = 0;
      for (const p of positives)
        for (const n of negatives) sum += p > n ? 1 : p === n ? 0.5 : 0;
      const { value, low, high } = found?.auc ?? { value: -1, low: 0, high: 0 };
      expect(value).toBeCloseTo(
        sum / (positives.length * negatives.length),
        10,
      );
      expect(low).toBeLessThanOrEqual(value + 1e-12);
      expect(high).toBeGreaterThanOrEqual(value - 1e-12);
      // At each point a threshold has no more false positives, and as many true ones.
      for (const [allowed, detected] of found?.points ?? []) {
        const best = Math.max(
          0,
          ...[...negatives, Number.NEGATIVE_INFINITY]
            .filter(
              (t) =>
                negatives.filter((n) => n > t).length <=
                allowed * negatives.length + 1e-9,
            )
            .map((t) => positives.filter((p) => p > t).length),
        );
        expect(detected).toBeCloseTo(best / positives.length, 10);
      }
    }),
  );
});

test("the interval of a perfect score has a width, which more samples make smaller", () => {
  const perfect = (n: number) =>
    roc(
      Array.from({ length: n }, (_, i) => i),
      Array.from({ length: n }, (_, i) => n + i),
    )?.auc;
  expect(perfect(10)).toMatchObject({ value: 1, high: 1 });
  expect(perfect(10)?.low).toBeLessThan(0.9);
  expect(perfect(100)?.low).toBeGreaterThan(0.96);
});

test("without positives or negatives there is no curve", () => {
  expect(roc([], [1])).toBeNull();
  expect(roc([1], [])).toBeNull();
});

// Hanley and McNeil 1982, Radiology 143:29, table II: an area of 0.893 with 51
// positives and 58 negatives has a standard error of about 0.032.
test("the interval is about as wide as Hanley and McNeil's", () => {
  const [m, n] = [51, 58];
  const negatives = Array.from({ length: n }, (_, i) => i);
  const positives = Array.from({ length: m }, (_, i) =>
    i < 40 ? n : Math.floor((n * (i - 40)) / 11),
  );
  const { value, low, high } = (roc(negatives, positives) as Roc).auc;
  expect(value).toBeGreaterThan(0.87);
  expect(value).toBeLessThan(0.91);
  expect((high - low) / 3.92).toBeGreaterThan(0.028);
  expect((high - low) / 3.92).toBeLessThan(0.038);
});
