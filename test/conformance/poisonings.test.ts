import { describe, expect, test } from "vitest";
import { poisoned, trialAttacks } from "#attacks";
import { takeRows } from "#onnx";
import { poisonOf } from "../attacks/poisoner.ts";
import { reference, smallDigits } from "../reference.ts";

const units = trialAttacks.filter(
  (a) => a.kind === "poisoning" || a.kind === "targeted-poisoning",
);

/** Less work, for those that have steps. */
const quick = (unit: (typeof units)[number]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries({ steps: 4, restarts: 1 }).filter(
      ([name]) => name in unit.params.shape,
    ),
  );

describe.each(units.map((u) => [u.id, u] as const))(
  "poisoning %s",
  (id, unit) => {
    const aimed = unit.kind === "targeted-poisoning";
    const made = async (count: number, seed: number) => {
      const { train, test } = await smallDigits();
      const row = [...test.y.keys()].find((i) => test.y[i] !== 1) as number;
      const aim = aimed ? { x: takeRows(test.x, [row]), to: 1 } : undefined;
      const poison = await poisonOf(id, await reference(), train, {
        count,
        seed,
        aim,
        params: quick(unit),
      });
      return { train, poison };
    };

    test("changes no more samples than it may, and keeps shape, bounds and eps", async () => {
      for (const count of [1, 7, 10_000]) {
        const { train, poison } = await made(count, 1);
        const { rows, x, y } = poison;
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.length).toBeLessThanOrEqual(
          Math.min(count, train.y.length),
        );
        if (count === 7) expect(rows.length).toBe(7);
        expect(new Set(rows).size).toBe(rows.length);
        expect(rows.every((row) => row in train.y)).toBe(true);
        expect(y.length).toBe(rows.length);
        expect(x.dims).toEqual([rows.length, ...train.x.dims.slice(1)]);
        for (const v of x.data) expect(v >= 0 && v <= 1).toBe(true);
        const { eps } = unit.params.parse({}) as { eps?: number };
        const clean = takeRows(train.x, rows);
        if (eps !== undefined)
          x.data.forEach((v, k) => {
            expect(Math.abs(v - clean.data[k]!)).toBeLessThan(eps + 1e-6);
          });
        const before = train.x.data.slice();
        const set = poisoned(train, poison);
        expect(set.x.dims).toEqual(train.x.dims);
        expect(set.classes).toEqual(train.classes);
        expect(train.x.data).toEqual(before);
        rows.forEach((row, i) => {
          expect(set.y[row]).toBe(y[i]);
          // Clean labels stay; flipped ones do not, and their samples do.
          expect(set.y[row] === train.y[row]).toBe(aimed);
        });
        if (!aimed) expect(set.x.data).toEqual(before);
      }
    });

    test("the same seed gives the same bytes, and another seed another poison", async () => {
      const { poison } = await made(3, 1);
      expect((await made(3, 1)).poison).toEqual(poison);
      // What a surrogate fears most is not drawn.
      if (id !== "label-flip-confusing")
        expect((await made(3, 2)).poison).not.toEqual(poison);
    });

    test("says what it is, and refuses parameters that it does not have", () => {
      expect(unit.reference).toMatch(/\d{4}/);
      expect(unit.threat).not.toMatch(/\.$/);
      expect(unit.taxonomy.atlas).toContain("AML.T0020");
      expect(unit.taxonomy.owasp.every((t) => /^ML\d{2}:2023$/.test(t))).toBe(
        true,
      );
      expect(() => unit.params.parse({ budget: [1] })).toThrow();
    });
  },
);
