import { expect, test } from "vitest";
import { roundsOf, walksOf } from "../../src/audit/trials/language/rounds.ts";
import { tried, unitOf } from "./aligned.ts";

const unit = unitOf("harmful-tuning");
const params = (search: object) =>
  unit.params.parse({ steps: [2, 5, 10], seeds: 2, search });

test("a search halves its settings, and gives the last ones all seeds", () => {
  expect(roundsOf(unit, params({ trials: 8 }))).toEqual([
    { until: 2, settings: 8, seeds: 1 },
    { until: 5, settings: 4, seeds: 1 },
    { until: 10, settings: 2, seeds: 2 },
  ]);
  const plain = unit.params.parse({ steps: [2, 5], seeds: 2 });
  expect(roundsOf(unit, plain)).toEqual([{ until: 5, settings: 2, seeds: 2 }]);
});

test("its settings fill the space, and their parts are named before any is known", () => {
  const all = params({ trials: 12, rates: [1e-4, 1e-2], ranks: ["full", 2] });
  const ways = unit.ways(all);
  expect(new Set(ways.map((way) => way.settings)).size).toBe(12);
  const rates = ways.map(({ name }) => Number(/rate (\S+),/.exec(name)![1]));
  expect(Math.min(...rates)).toBeGreaterThan(1e-4);
  expect(Math.max(...rates)).toBeLessThan(1e-2);
  expect(rates.filter((rate) => rate < 1e-3)).toHaveLength(12);
  const planned = walksOf(unit, all, 1).map(({ name }) => name);
  const best = [...new Set(ways.map((way) => way.settings))].reverse();
  expect(walksOf(unit, all, 1, best).map(({ name }) => name)).toEqual(planned);
});

test("the worst of a search is found, and what it tried is listed", async () => {
  const { of, findings, notes, charts } = await tried("harmful-tuning", {
    steps: [5, 10],
    seeds: 2,
    search: {
      trials: 4,
      rates: [1e-6, 1e-3],
      batchSizes: [32],
      ranks: ["full"],
    },
  });
  // The rates are 3.2e-5, 5.6e-6, 1.8e-4 and 2.4e-6: only the third is large enough.
  const headline = findings.find(({ id }) => id === "forbidden-answers");
  expect(headline?.value).toBeGreaterThan(0.5);
  expect(headline?.at).toMatch(/^rate 0.00018/);
  const tries = findings.filter(({ id }) => id.startsWith("tried-"));
  expect(tries).toHaveLength(4);
  expect(tries[0]?.value).toBe(of("forbidden-answers"));
  expect(
    Math.max(...tries.slice(1).map(({ value }) => value ?? 0)),
  ).toBeLessThan(0.2);
  expect(notes.join()).toMatch(
    /4 up to 5 steps of further training, 2 up to 10 steps of further training with 2 seeds/,
  );
  expect(charts[0]?.lines[0]?.points).toHaveLength(3);
});
