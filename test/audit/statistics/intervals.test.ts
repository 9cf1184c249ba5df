import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clopperPearson,
  mcnemar,
  newcombe,
  newcombePaired,
  rate,
  wilson,
} from "../../../src/audit/statistics/intervals.ts";

const trials = fc
  .integer({ min: 1, max: 3000 })
  .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));

describe("published intervals", () => {
  it.each([
    [0, 100, 0, 0.036217],
    [5, 100, 0.016432, 0.112835],
    [50, 100, 0.398321, 0.601679],
    [885, 1000, 0.863584, 0.904117],
    [8850, 10000, 0.878585, 0.89119],
    [0, 1000, 0, 0.003682],
  ])("Clopper-Pearson of %i/%i", (successes, n, low, high) => {
    const interval = clopperPearson(successes, n);
    expect(interval.low).toBeCloseTo(low, 6);
    expect(interval.high).toBeCloseTo(high, 6);
  });

  it.each([
    [0, 100, 0, 0.036993],
    [5, 100, 0.021544, 0.11175],
    [50, 100, 0.403832, 0.596168],
    [885, 1000, 0.863737, 0.903317],
  ])("Wilson of %i/%i", (successes, n, low, high) => {
    const interval = wilson(successes, n);
    expect(interval.low).toBeCloseTo(low, 6);
    expect(interval.high).toBeCloseTo(high, 6);
  });

  // One-sided at 0.001, as smoothing certificates use it: two-sided at 0.998.
  it.each([
    [990, 1000, 0.976036],
    [900, 1000, 0.867464],
    [600, 1000, 0.551075],
  ])("one-sided lower bound of %i/%i", (successes, n, low) => {
    expect(clopperPearson(successes, n, 0.998).low).toBeCloseTo(low, 6);
  });

  it.each([
    [1, 9, 0.021484],
    [10, 25, 0.016674],
    [5, 5, 1],
    [0, 6, 0.03125],
    [3, 15, 0.007538],
    [0, 0, 1],
  ])("McNemar of %i against %i", (b, c, p) => {
    expect(mcnemar(b, c)).toBeCloseTo(p, 6);
    expect(mcnemar(c, b)).toBe(mcnemar(b, c));
  });

  it("needs about 1067 samples for 3 points and 9604 for one", () => {
    expect(wilson(534, 1067).high - 534 / 1067).toBeCloseTo(0.03, 3);
    expect(wilson(4802, 9604).high - 0.5).toBeCloseTo(0.01, 4);
  });

  // The worked example of Newcombe 1998.
  it("Newcombe's interval of 56/70 - 48/80", () => {
    const interval = newcombe(rate(56, 70), rate(48, 80));
    expect(interval.low).toBeCloseTo(0.0524, 4);
    expect(interval.high).toBeCloseTo(0.3339, 4);
  });
});

describe("extremes", () => {
  it("keeps its precision at a million samples", () => {
    const none = clopperPearson(0, 1e6);
    expect(none.high / (1 - 0.025 ** (1 / 1e6))).toBeCloseTo(1, 9);
    const one = clopperPearson(1, 1e6);
    expect(one.low / -Math.expm1(Math.log(0.975) / 1e6)).toBeCloseTo(1, 9);
    const half = clopperPearson(500_000, 1e6);
    expect(half.high - 0.5).toBeCloseTo(0.000_980_48, 7);
    expect(half.low).toBeCloseTo(1 - half.high, 12);
    expect(clopperPearson(1e6, 1e6).high).toBe(1);
    expect(mcnemar(499_000, 501_000)).toBeCloseTo(0.0457, 3);
  });

  it("refuses counts that are none", () => {
    const code = expect.objectContaining({ code: "STATISTICS_INPUT" });
    expect(() => rate(0, 0)).toThrow(code);
    expect(() => rate(3, 2)).toThrow(code);
    expect(() => rate(0.5, 2)).toThrow(code);
    expect(() => clopperPearson(1, 2, 95)).toThrow(code);
    expect(() => mcnemar(-1, 2)).toThrow(code);
  });
});

describe.each([
  ["Clopper-Pearson", clopperPearson],
  ["Wilson", wilson],
])("%s", (_, interval) => {
  it("holds the value, stays in [0, 1] and is symmetric", () => {
    fc.assert(
      fc.property(trials, ([k, n]) => {
        const { low, high } = interval(k, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        expect(interval(n - k, n).low).toBeCloseTo(1 - high, 14);
      }),
    );
  });

  it("moves up with the successes and narrows with the samples", () => {
    fc.assert(
      fc.property(trials, ([k, n]) => {
        const here = interval(k, n);
        if (k < n) {
          const next = interval(k + 1, n);
          expect(next.low).toBeGreaterThan(here.low);
          expect(next.high).toBeGreaterThan(here.high - 1e-15);
        }
        const more = interval(4 * k, 4 * n);
        expect(more.high - more.low).toBeLessThan(here.high - here.low);
        const surer = interval(k, n, 0.99);
        expect(surer.high - surer.low).toBeGreaterThan(here.high - here.low);
      }),
    );
  });
});

it("Clopper-Pearson covers at least 95 % for every share", () => {
  for (const n of [1, 2, 5, 10, 23, 40]) {
    const intervals = Array.from({ length: n + 1 }, (_, k) =>
      clopperPearson(k, n),
    );
    for (let p = 0.005; p < 1; p += 0.005) {
      let covered = 0;
      let probability = (1 - p) ** n;
      for (const [k, { low, high }] of intervals.entries()) {
        if (low <= p && p <= high) covered += probability;
        probability *= ((n - k) / (k + 1)) * (p / (1 - p));
      }
      expect(covered).toBeGreaterThanOrEqual(0.95);
    }
  }
});

it("McNemar agrees with the sum of the binomial tail", () => {
  fc.assert(
    fc.property(fc.nat({ max: 200 }), fc.nat({ max: 200 }), (b, c) => {
      const n = b + c;
      let term = 0.5 ** n;
      let tail = 0;
      for (let i = 0; i <= Math.min(b, c); i++) {
        tail += term;
        term *= (n - i) / (i + 1);
      }
      expect(mcnemar(b, c)).toBeCloseTo(Math.min(1, 2 * tail), 12);
    }),
  );
});

describe("the paired difference", () => {
  const counts = fc
    .record({
      both: fc.nat({ max: 300 }),
      onlyFirst: fc.nat({ max: 300 }),
      onlySecond: fc.nat({ max: 300 }),
      neither: fc.nat({ max: 300 }),
    })
    .filter((c) => c.both + c.onlyFirst + c.onlySecond + c.neither > 0);

  it("holds the difference and turns round with the order", () => {
    fc.assert(
      fc.property(counts, (c) => {
        const n = c.both + c.onlyFirst + c.onlySecond + c.neither;
        const difference = (c.onlyFirst - c.onlySecond) / n;
        const { low, high } = newcombePaired(c);
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect(low).toBeGreaterThanOrEqual(-1 - 1e-12);
        expect(high).toBeLessThanOrEqual(1 + 1e-12);
        const turned = newcombePaired({
          ...c,
          onlyFirst: c.onlySecond,
          onlySecond: c.onlyFirst,
        });
        expect(turned.low).toBeCloseTo(-high, 12);
      }),
    );
  });

  it("is narrower than the unpaired one when both agree", () => {
    const paired = newcombePaired({
      both: 80,
      onlyFirst: 5,
      onlySecond: 2,
      neither: 13,
    });
    const unpaired = newcombe(rate(85, 100), rate(82, 100));
    expect(paired.high - paired.low).toBeLessThan(unpaired.high - unpaired.low);
  });
});
