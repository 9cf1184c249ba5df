import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addSlopes, tableOf, violationOf } from "#tables";

const names = ["a", "b", "c", "total spent"];
const columns = names.map((name) => ({
  name,
  kind: "number" as const,
  range: [-10, 10] as const,
  change: "any" as const,
}));

const tableWith = (formula: string, tolerance = 0) =>
  tableOf(columns, [{ formula, tolerance }]);

/** Nothing is nearer to a tie than float32 can tell. */
const value = fc.integer({ min: -36, max: 36 }).map((v) => v / 4);
const row = fc.tuple(value, value, value, value);

/** Formulas, and what they say of a row. */
const formulas: Record<
  string,
  (a: number, b: number, c: number, t: number) => boolean
> = {
  "a <= b": (a, b) => a <= b,
  "a >= b - 2 * c": (a, b, c) => a >= b - 2 * c,
  "a <= b and b <= c": (a, b, c) => a <= b && b <= c,
  "a <= b or b <= c and c <= 0": (a, b, c) => a <= b || (b <= c && c <= 0),
  "(a <= b or b <= c) and c <= 0": (a, b, c) => (a <= b || b <= c) && c <= 0,
  "-a ^ 2 <= b * (c + 1)": (a, b, c) => -(a ** 2) <= b * (c + 1),
  "`total spent` <= a - b - c": (a, b, c, t) => t <= a - b - c,
  "div(a, b, 3) <= c": (a, b, c) => (Math.abs(b) > 1e-6 ? a / b : 3) <= c,
  "log(a, 0) <= abs(b)": (a, b) => (a > 0 ? Math.log(a) : 0) <= Math.abs(b),
  "min(a, b) <= max(b, c) / 2": (a, b, c) =>
    Math.min(a, b) <= Math.max(b, c) / 2,
};

describe("constraints by formula", () => {
  it.each(Object.entries(formulas))("%s means what it says", (text, holds) => {
    const table = tableWith(text);
    fc.assert(
      fc.property(row, (raw) => {
        const excess = violationOf(table, Float64Array.from(raw));
        expect(excess).toBeGreaterThanOrEqual(0);
        if (holds(...raw)) expect(excess).toBe(0);
      }),
    );
    // Beyond what float32 rounds, what does not hold is seen.
    const broken = fc
      .sample(row, { numRuns: 300, seed: 5 })
      .filter((raw) => !holds(...raw));
    const seen = broken.filter(
      (raw) => violationOf(table, Float64Array.from(raw)) > 0,
    );
    expect(broken.length).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(0.9 * broken.length);
  });

  it.each([...Object.keys(formulas), "a = b * c - 1", "a / b = c"])(
    "%s has the slopes that differences show",
    (text) => {
      const table = tableWith(text);
      fc.assert(
        fc.property(row, (raw) => {
          const at = (k: number, h: number) => {
            const moved = Float64Array.from(raw);
            moved[k] = moved[k]! + h;
            return violationOf(table, moved);
          };
          const slopes = new Float64Array(4);
          for (const one of table.relations)
            addSlopes(one, Float64Array.from(raw), table, slopes);
          const differences = raw.map((_, k) => {
            const [up, middle, down] = [at(k, 1e-6), at(k, 0), at(k, -1e-6)];
            // Not at a kink, nor where curves are too steep for differences.
            const bend = Math.abs(up + down - 2 * middle) / 1e-6;
            const slope = (up - down) / 2e-6;
            return bend < 1e-3 && Math.abs(slope) < 1e3 ? slope : null;
          });
          differences.forEach((slope, k) => {
            if (slope === null) return;
            expect(Math.abs(slope - slopes[k]!)).toBeLessThan(
              1e-2 * Math.max(1, Math.abs(slope)),
            );
          });
        }),
        { numRuns: 60 },
      );
    },
  );

  it("takes an equality as kept within its tolerance and the rounding of float32", () => {
    const near = tableWith("a = b", 0.5);
    const exact = tableWith("a = b");
    expect(violationOf(near, Float64Array.of(1, 1.4, 0, 0))).toBe(0);
    expect(violationOf(near, Float64Array.of(1, 1.6, 0, 0))).toBeCloseTo(0.1);
    expect(violationOf(exact, Float64Array.of(1, 1 + 1e-7, 0, 0))).toBe(0);
    expect(violationOf(exact, Float64Array.of(1, 1.001, 0, 0))).toBeGreaterThan(
      9e-4,
    );
  });

  it("is broken where a side is no number", () => {
    const table = tableWith("log(a) <= b");
    expect(violationOf(table, Float64Array.of(-1, 5, 0, 0))).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it.each([
    ["a <= d", /character 6: "d" is no number/],
    ["a < b", /character 3: found "<", expected <= or >=/],
    ["a + b", /a number where a condition/],
    ["a <= (b", /character 8: found the end, expected "\)"/],
    ["(a <= b) + 1 = c", /a condition \("<="\) where a number/],
    ["a <= sqrt(b)", /there is no function "sqrt"/],
    ["div(a, b) <= c", /div takes 3 numbers/],
    ["a <= b c", /character 8: found "c"/],
    ["constructor <= a", /"constructor" is no number/],
    [`${"(".repeat(60)}a`, /nested brackets/],
    [`a <= ${"1+".repeat(2000)}1`, /at most 2000 characters/],
  ])("refuses %s and says where", (text, message) => {
    expect(() => tableWith(text)).toThrow(message);
  });
});
