import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newcombe, rate } from "../../../src/audit/statistics/intervals.ts";
import {
  mcnemar,
  newcombePaired,
  type Paired,
  pairedRatio,
  tango,
} from "../../../src/audit/statistics/paired.ts";

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

it("McNemar keeps its precision, and refuses counts that are none", () => {
  expect(mcnemar(499_000, 501_000)).toBeCloseTo(0.0457, 3);
  expect(() => mcnemar(-1, 2)).toThrow(
    expect.objectContaining({ code: "STATISTICS_INPUT" }),
  );
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

const counts = fc
  .record({
    both: fc.nat({ max: 300 }),
    onlyFirst: fc.nat({ max: 300 }),
    onlySecond: fc.nat({ max: 300 }),
    neither: fc.nat({ max: 300 }),
  })
  .filter((c) => c.both + c.onlyFirst + c.onlySecond + c.neither > 0);

const turned = ({ onlyFirst, onlySecond, ...same }: Paired): Paired => ({
  ...same,
  onlyFirst: onlySecond,
  onlySecond: onlyFirst,
});

// Fagerland, Lydersen and Laake 2014 (Statistics in Medicine 33:2850) have
// -0.517 and -0.026.
it("Tango's interval of 2/21 - 8/21", () => {
  const found = tango({ both: 1, onlyFirst: 1, onlySecond: 7, neither: 12 });
  expect(found.low).toBeCloseTo(-0.517, 3);
  expect(found.high).toBeCloseTo(-0.026, 3);
});

// Newcombe 1998 (Statistics in Medicine 17:2635) has 0.0569 and 0.3404 for the first;
// Fagerland, Lydersen and Laake 2014 have -0.507 and -0.026 for the second.
it.each([
  [{ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 }, 0.0569, 0.3404],
  [{ both: 1, onlyFirst: 1, onlySecond: 7, neither: 12 }, -0.507, -0.026],
])("Newcombe's paired interval of %j", (counts, low, high) => {
  const found = newcombePaired(counts);
  expect(found.low).toBeCloseTo(low, 3);
  expect(found.high).toBeCloseTo(high, 3);
});

it("Newcombe's paired interval holds the difference, turns round and grows", () => {
  fc.assert(
    fc.property(counts, (c) => {
      const n = c.both + c.onlyFirst + c.onlySecond + c.neither;
      const difference = (c.onlyFirst - c.onlySecond) / n;
      const { low, high } = newcombePaired(c);
      expect(low).toBeLessThanOrEqual(difference + 1e-12);
      expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
      expect(newcombePaired(turned(c)).low).toBeCloseTo(-high, 12);
      expect(newcombePaired(c, 0.99).low).toBeLessThanOrEqual(low + 1e-12);
    }),
  );
});

describe("the paired difference", () => {
  it("holds the difference and turns round with the order", () => {
    fc.assert(
      fc.property(counts, (c) => {
        const n = c.both + c.onlyFirst + c.onlySecond + c.neither;
        const difference = (c.onlyFirst - c.onlySecond) / n;
        const { low, high } = tango(c);
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect(low).toBeGreaterThanOrEqual(-1 - 1e-12);
        expect(high).toBeLessThanOrEqual(1 + 1e-12);
        expect(low).toBeLessThan(high);
        expect(tango(turned(c)).low).toBeCloseTo(-high, 12);
      }),
    );
  });

  it("has a width where no pair is discordant", () => {
    // z^2 / (n + z^2), whatever both are right about.
    for (const both of [0, 50, 100]) {
      const found = tango({
        both,
        onlyFirst: 0,
        onlySecond: 0,
        neither: 100 - both,
      });
      expect(found.high).toBeCloseTo(0.036993, 6);
      expect(found.low).toBeCloseTo(-0.036993, 6);
    }
  });

  it("is narrower than the unpaired one when both agree", () => {
    const paired = tango({
      both: 80,
      onlyFirst: 5,
      onlySecond: 2,
      neither: 13,
    });
    const unpaired = newcombe(rate(85, 100), rate(82, 100));
    expect(paired.high - paired.low).toBeLessThan(unpaired.high - unpaired.low);
  });
});

describe("the paired ratio", () => {
  it("holds the ratio and turns round with the order", () => {
    fc.assert(
      fc.property(counts, (c) => {
        const [first, second] = [c.both + c.onlyFirst, c.both + c.onlySecond];
        const found = pairedRatio(c);
        if (second === 0) expect(found).toBeNull();
        if (!found) return;
        expect(found.low).toBeLessThan(found.high);
        expect(found.low).toBeLessThanOrEqual(first / second);
        expect(found.high).toBeGreaterThanOrEqual(first / second);
        const other = pairedRatio(turned(c));
        if (other) expect(other.low * found.high).toBeCloseTo(1, 9);
      }),
    );
  });

  it("is about the same whatever neither is right about, and narrows with the samples", () => {
    const width = (times: number, neither = 0) => {
      const found = pairedRatio({
        both: 6 * times,
        onlyFirst: times,
        onlySecond: 2 * times,
        neither,
      });
      return found ? found.high - found.low : 0;
    };
    expect(width(3, 50)).toBe(width(3));
    expect(width(12)).toBeLessThan(width(3));
  });

  it("has a width where nothing is lost or gained, however few samples are robust", () => {
    for (const both of [1, 5, 100]) {
      const c = { both, onlyFirst: 0, onlySecond: 0, neither: 30 };
      const found = pairedRatio(c);
      expect(found?.low).toBeLessThan(1);
      expect(found?.high).toBeGreaterThan(1);
    }
    const nothing = { both: 0, onlyFirst: 0, onlySecond: 3, neither: 30 };
    expect(pairedRatio(nothing)?.low).toBe(0);
    expect(pairedRatio(nothing)?.high).toBeGreaterThan(0.5);
  });
});
