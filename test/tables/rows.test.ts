import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ColumnSpec,
  objection,
  recompute,
  repair,
  restore,
  scaled,
  slopesOfChanges,
  tableOf,
  unscaled,
} from "#tables";

const change = fc.constantFrom("any" as const, "none" as const);
const oneWay = fc.constantFrom("any", "none", "up", "down") as fc.Arbitrary<
  ColumnSpec["change"]
>;
const whole = fc.integer({ min: -2000, max: 2000 });

const columnSpec: fc.Arbitrary<Omit<ColumnSpec, "name">> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("number" as const, "integer" as const),
    range: fc
      .tuple(whole, fc.integer({ min: 1, max: 100000 }))
      .map(([low, span]) => [low, low + span] as const),
    change: oneWay,
  }),
  fc.record({
    kind: fc.constant("category" as const),
    range: fc.constant([0, 1] as const),
    values: fc
      .integer({ min: 2, max: 4 })
      .map((n) => ["p", "q", "r", "s"].slice(0, n)),
    change,
  }),
);

/** A table without relations, and a row that there can be. */
const tableAndRow = fc
  .tuple(
    fc.array(columnSpec, { minLength: 1, maxLength: 6 }),
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  )
  .map(([specs, shares]) => {
    const table = tableOf(specs.map((s, i) => ({ ...s, name: `c${i}` })));
    const clean = new Float32Array(table.features.length);
    for (const column of table.columns) {
      const share = shares.next().value as number;
      const { at, width, kind, range } = column;
      if (kind === "category")
        clean[at + Math.min(width - 1, Math.floor(share * width))] = 1;
      else {
        const value = range[0] + share * (range[1] - range[0]);
        clean[at] = scaled(
          table.features[at]!,
          kind === "integer" ? Math.round(value) : value,
        );
      }
    }
    return { table, clean };
  });

describe("rows of a table", () => {
  it("that are clean have nothing against them, and whole numbers come back exactly", () => {
    fc.assert(
      fc.property(tableAndRow, ({ table, clean }) => {
        expect(objection(table, clean, clean)).toBeNull();
        const raw = unscaled(table, clean);
        for (const { kind, at } of table.columns)
          if (kind === "integer") expect(Number.isInteger(raw[at])).toBe(true);
      }),
    );
  });

  it("are repaired to rows that there can be, which a second repair leaves alone", () => {
    fc.assert(
      fc.property(
        tableAndRow,
        fc.array(fc.double({ min: -0.5, max: 1.5, noNaN: true }), {
          minLength: 30,
          maxLength: 30,
        }),
        ({ table, clean }, noise) => {
          const row = clean.map((_, i) => noise[i]!);
          repair(table, clean, row);
          expect(objection(table, clean, row)).toBeNull();
          const again = row.slice();
          repair(table, clean, again);
          expect(again).toEqual(row);
        },
      ),
    );
  });

  it("with columns that others define have them computed", () => {
    const number = { kind: "number", range: [0, 10], change: "any" } as const;
    const table = tableOf(
      ["total", "a", "b"].map((name) => ({ name, ...number })),
      [{ formula: "total = a + b", tolerance: 0 }],
    );
    const clean = Float32Array.of(0.5, 0.2, 0.3);
    const row = Float32Array.of(0.5, 0.4, 0.35);
    expect(objection(table, clean, row)).toBe('it breaks "total = a + b"');
    repair(table, clean, row);
    expect(row[0]).toBeCloseTo(0.75, 6);
    expect(objection(table, clean, row)).toBeNull();
  });

  it("have slopes by what an attacker moves: those of the row that follows", () => {
    const number = { kind: "number", change: "any" } as const;
    const table = tableOf(
      [
        { ...number, name: "a", range: [1, 9] },
        { ...number, name: "b", range: [2, 4], change: "up" },
        { ...number, name: "c", range: [0, 5], change: "down" },
        { ...number, name: "fixed", range: [0, 1], change: "none" },
        { ...number, name: "product", range: [0, 40] },
        { ...number, name: "share", range: [0, 50] },
      ],
      [
        { formula: "product = a * b", tolerance: 0 },
        { formula: "share = product + c / a", tolerance: 0 },
      ],
    );
    const clean = Float32Array.of(0.3, 0.5, 0.5, 0.5, 0, 0);
    recompute(table, clean);
    const weights = [0.7, -0.4, 0.9, 2, 1.5, 3];
    const loss = (moved: Float32Array) => {
      const row = moved.slice();
      restore(table, clean, row);
      recompute(table, row);
      return row.reduce((sum, v, i) => sum + weights[i]! * v, 0);
    };
    const at = clean.slice();
    at[0] = 0.6;
    recompute(table, at);
    const slopes = Float32Array.from(weights);
    slopesOfChanges(table, clean, at, slopes);
    const step = 1e-3;
    // Downwards b is stuck, upwards c.
    expect(slopes[1]).toBeGreaterThan(0);
    expect(slopes[2]).toBe(0);
    slopes.forEach((slope, i) => {
      const up = at.slice();
      up[i] = up[i]! + step;
      expect(slope).toBeCloseTo((loss(up) - loss(at)) / step, 2);
    });
  });

  it.each([
    [Float32Array.of(0.3, 0.5, 1, 0), "must not change"],
    [Float32Array.of(0.2, 0.4, 1, 0), "may only rise"],
    [Float32Array.of(0.2, 0.55, 1, 0), "is not a whole number"],
    [Float32Array.of(0.2, 0.5, 1, 1), "is not one of its values"],
    [Float32Array.of(0.2, 1.5, 1, 0), "is outside its range"],
    [Float32Array.of(0.2, Number.NaN, 1, 0), "is outside its range"],
  ])("such as %s are objected to", (row, why) => {
    const table = tableOf([
      { name: "x", kind: "number", range: [0, 1], change: "none" },
      { name: "n", kind: "integer", range: [0, 10], change: "up" },
      {
        name: "k",
        kind: "category",
        range: [0, 1],
        values: ["p", "q"],
        change: "any",
      },
    ]);
    const clean = Float32Array.of(0.2, 0.5, 1, 0);
    expect(objection(table, clean, row)).toContain(why);
  });
});
