import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "#core";
import {
  evidenceAgainst,
  exactLike,
  isOutside,
  isWithin,
} from "../../../src/audit/statistics/confidence.ts";
import {
  clopperPearson,
  exactInterval,
} from "../../../src/audit/statistics/intervals.ts";
import { holm } from "../../../src/audit/statistics/multiplicity.ts";
import { newcombePaired } from "../../../src/audit/statistics/paired.ts";
import {
  samplesForPairs,
  samplesForShare,
} from "../../../src/audit/statistics/planning.ts";

describe("Holm", () => {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  it("adjusts as R's p.adjust does, in the order that it was asked", () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    for (const [i, p] of [0.03, 0.06, 0.06, 0.02].entries())
      expect(adjusted[i]).toBeCloseTo(p, 12);
    expect(holm([])).toEqual([]);
  });

  it("is between the p-value and Bonferroni's, in the same order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }),
        (ps) => {
          const adjusted = holm(ps);
          for (const [i, p] of ps.entries()) {
            expect(adjusted[i]).toBeGreaterThanOrEqual(p);
            expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, p * ps.length));
            for (const [j, q] of ps.entries())
              if (p < q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
          }
        },
      ),
    );
  });
});

describe("evidence against a limit", () => {
  it("is the exact tail of a share", () => {
    // The chance of 30 or fewer of 100 at one half.
    const p = evidenceAgainst({ side: "min", value: 0.5 }, (confidence) =>
      clopperPearson(30, 100, confidence),
    );
    expect(p).toBeCloseTo(3.925e-5, 8);
  });

  it("says 0.5 of all that the 95 % interval does not exclude", () => {
    const at = (confidence: number) => clopperPearson(50, 100, confidence);
    expect(evidenceAgainst({ side: "min", value: 0.55 }, at)).toBe(0.5);
    expect(evidenceAgainst({ side: "max", value: 0.9 }, at)).toBe(0.5);
  });
});

it("an exact interval is found again at another confidence from its 95 % one", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, share) => {
        const successes = share * n;
        const known = exactInterval(successes, n);
        const found = exactLike(share, known)(0.998);
        const wanted = exactInterval(successes, n, 0.998);
        expect(found.low).toBeCloseTo(wanted.low, 6);
        expect(found.high).toBeCloseTo(wanted.high, 6);
      },
    ),
    { numRuns: 40 },
  );
});

/** Every plan is for four times in five. */
const POWER = 0.8;

describe("so many samples as are planned decide four times in five", () => {
  it.each([
    [0.5, 0.4, "min"],
    [0.5, 0.55, "min"],
    [0.93, 0.9, "min"],
    [0.02, 0.05, "max"],
    [0.1, 0.08, "max"],
  ] as const)("a share of %d against a limit of %d", (share, value, side) => {
    for (const tail of [0.025, 0.00125]) {
      const n = samplesForShare(share, value, tail)!;
      const bound = { side, value };
      const random = new Random(`${share} ${value} ${tail}`);
      const decided = count(400, () => {
        const successes = count(n, () => random.uniform() < share);
        const interval = clopperPearson(successes, n, 1 - 2 * tail);
        return isWithin(bound, interval) || isOutside(bound, interval);
      });
      expect(decided / 400).toBeGreaterThan(POWER - 0.06);
      expect(decided / 400).toBeLessThan(POWER + 0.1);
    }
  });

  it.each([
    [0.05, 0.09, 0.02],
    [0.06, 0.1, 0],
    [0, 0.04, 0.02],
  ])(
    "a drop of %d with %d discordant against a margin of %d",
    (drop, discordant, value) => {
      for (const tail of [0.025, 0.0025]) {
        const n = samplesForPairs(drop, discordant, value, tail)!;
        const bound = { side: "max", value } as const;
        const random = new Random(`${drop} ${discordant} ${value} ${tail}`);
        const decided = count(300, () => {
          const pairs = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
          for (let i = 0; i < n; i++) {
            const u = random.uniform();
            if (u < (discordant + drop) / 2) pairs.onlyFirst++;
            else if (u < discordant) pairs.onlySecond++;
            else pairs[u < 0.6 ? "both" : "neither"]++;
          }
          const interval = newcombePaired(pairs, 1 - 2 * tail);
          return isWithin(bound, interval) || isOutside(bound, interval);
        });
        expect(decided / 300).toBeGreaterThan(POWER - 0.08);
        expect(decided / 300).toBeLessThan(POWER + 0.12);
      }
    },
  );

  it("none decide where the number is at its limit", () => {
    expect(samplesForShare(0.5, 0.5, 0.025)).toBeNull();
    expect(samplesForPairs(0.02, 0.1, 0.02, 0.025)).toBeNull();
  });

  it("all or nothing needs as many as the exact interval asks", () => {
    const n = samplesForShare(1, 0.95, 0.025)!;
    expect(clopperPearson(n, n).low).toBeGreaterThanOrEqual(0.95);
    expect(clopperPearson(n - 1, n - 1).low).toBeLessThan(0.95);
  });
});

function count(times: number, holds: () => boolean): number {
  let held = 0;
  for (let i = 0; i < times; i++) if (holds()) held++;
  return held;
}
