import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { anytimeInterval } from "../../../src/audit/statistics/anytime.ts";
import { clopperPearson } from "../../../src/audit/statistics/intervals.ts";

const counts = fc
  .tuple(
    fc.integer({ min: 1, max: 400 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([n, share]) => ({ n, k: Math.round(share * n) }));

/** The wager by the sum over a fine grid of shares, without closed forms. */
function byHand(share: number, k: number, n: number): number {
  const steps = 20_000;
  let [capital, all] = [0, 0];
  for (let i = 0; i < steps; i++) {
    // Jeffreys' prior is even in the arcsine of the root.
    const q = Math.sin(((i + 0.5) / steps) * (Math.PI / 2)) ** 2;
    if (q <= share) continue;
    all++;
    capital += Math.exp(
      k * Math.log(q / share) + (n - k) * Math.log((1 - q) / (1 - share)),
    );
  }
  return capital / all;
}

test("an end stands where a wager against all beyond it has multiplied forty times", () => {
  for (const [k, n] of [
    [3, 20],
    [10, 20],
    [1, 5],
    [60, 200],
  ] as const) {
    const { low } = anytimeInterval(k, n);
    expect(byHand(low, k, n) / 40).toBeCloseTo(1, 1);
  }
});

test("an end is where all shares beyond it are refuted, and none before", () => {
  fc.assert(
    fc.property(
      counts,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (c, at) => {
        const { n, k } = c;
        const { low } = anytimeInterval(k, n);
        if (low === 0) return;
        // Sooner refuted at more confidence, all the way down.
        const share = at * low;
        expect(anytimeInterval(k, n, 0.949).low).toBeGreaterThanOrEqual(low);
        expect(anytimeInterval(k, n, 1 - 1e-9).low).toBeLessThanOrEqual(low);
        expect(byHand(share, k, n)).toBeGreaterThan(40 * 0.95);
      },
    ),
    { numRuns: 50 },
  );
});

test("it is mirrored, holds the share, and is wider than the exact interval", () => {
  fc.assert(
    fc.property(counts, ({ n, k }) => {
      const { low, high } = anytimeInterval(k, n);
      const mirrored = anytimeInterval(n - k, n);
      expect(low).toBeCloseTo(1 - mirrored.high, 12);
      expect(low).toBeLessThanOrEqual(k / n);
      expect(high).toBeGreaterThanOrEqual(k / n);
      const exact = clopperPearson(k, n);
      expect(low).toBeLessThanOrEqual(exact.low + 1e-9);
      expect(high).toBeGreaterThanOrEqual(exact.high - 1e-9);
    }),
  );
  expect(anytimeInterval(0, 0)).toEqual({ low: 0, high: 1 });
});

test("of all looks together it is wrong in at most 5 % of sequences", () => {
  const random = new Random(5);
  const known = new Map<string, ReturnType<typeof anytimeInterval>>();
  const intervalOf = (k: number, n: number) => {
    const found = known.get(`${k} ${n}`) ?? anytimeInterval(k, n);
    known.set(`${k} ${n}`, found);
    return found;
  };
  for (const share of [0.02, 0.3, 0.5]) {
    let wrong = 0;
    for (let draw = 0; draw < 400; draw++) {
      let robust = 0;
      for (let n = 1; n <= 50; n++) {
        if (random.uniform() < share) robust++;
        const { low, high } = intervalOf(robust, n);
        if (share >= low && share <= high) continue;
        wrong++;
        break;
      }
    }
    // Five standard errors above what it may be.
    expect(wrong / 400).toBeLessThan(0.05 + 5 * Math.sqrt(0.05 / 400));
  }
});
