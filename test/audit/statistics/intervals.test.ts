import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "#core";
import {
  clopperPearson,
  clusteredInterval,
  meanOfShares,
  newcombe,
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
  });

  it("refuses counts that are none", () => {
    const code = expect.objectContaining({ code: "STATISTICS_INPUT" });
    expect(() => rate(0, 0)).toThrow(code);
    expect(() => rate(3, 2)).toThrow(code);
    expect(() => rate(0.5, 2)).toThrow(code);
    expect(() => clopperPearson(1, 2, 95)).toThrow(code);
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

describe("the interval of groups with samples of their own", () => {
  const groups = fc.array(
    fc
      .tuple(
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      )
      .map(([n, share]) => ({ n, successes: Math.round(share * n) })),
    { minLength: 2, maxLength: 8 },
  );

  it("holds the mean of the groups and is symmetric", () => {
    fc.assert(
      fc.property(groups, (all) => {
        const mean =
          all.reduce((sum, { successes, n }) => sum + successes / n, 0) /
          all.length;
        const { low, high } = clusteredInterval(all);
        expect(low).toBeLessThanOrEqual(mean + 1e-9);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-9);
        expect(high - low).toBeGreaterThan(0);
        const others = all.map(({ n, successes }) => ({
          n,
          successes: n - successes,
        }));
        expect(clusteredInterval(others).low).toBeCloseTo(1 - high, 9);
      }),
    );
  });

  it("says of groups that are so whole or not at all what coins say, however large they are", () => {
    const all = Array.from({ length: 10 }, (_, i) => ({
      n: 50,
      successes: i < 5 ? 50 : 0,
    }));
    const { low, high } = clopperPearson(5, 10);
    expect(clusteredInterval(all).low).toBeCloseTo(low, 9);
    expect(clusteredInterval(all).high).toBeCloseTo(high, 9);
    const pooled = clopperPearson(250, 500);
    expect(high - low).toBeGreaterThan(5 * (pooled.high - pooled.low));
  });
});

describe("the mean of shares", () => {
  const kinds: [string, (random: Random) => number, number][] = [
    ["all or nothing", (r) => Number(r.uniform() < 0.9), 0.9],
    ["even", (r) => r.uniform(), 0.5],
    ["near one", (r) => r.uniform() ** 0.05, 1 / 1.05],
    ["one or a half", (r) => (r.uniform() < 0.02 ? 0.5 : 1), 0.99],
  ];

  it.each(kinds)("%s: covers at least as often as it says", (_, draw, mean) => {
    for (const n of [10, 40]) {
      const random = new Random(`shares ${n}`);
      let covered = 0;
      for (let i = 0; i < 400; i++) {
        const { low, high } = meanOfShares(
          Array.from({ length: n }, () => draw(random)),
        );
        if (low <= mean && mean <= high) covered++;
      }
      expect(covered / 400).toBeGreaterThan(0.935);
    }
  });

  it("is never without width", () => {
    const { low, high } = meanOfShares([1, 1, 1, 1]);
    expect(high).toBe(1);
    expect(low).toBeCloseTo(0.025 ** 0.25);
  });
});
