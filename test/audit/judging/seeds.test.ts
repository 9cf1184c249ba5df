import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { ruleOfEach } from "../../../src/audit/gate/groups.ts";
import { seedSummaries } from "../../../src/audit/judging/seeds.ts";
import { studentQuantile } from "../../../src/audit/statistics/distributions.ts";
import { parseDocument } from "../../../src/audit/suite/document/parse.ts";
import { suiteSchema } from "../../../src/audit/suite/schema.ts";
import { candidate, cell } from "../cells.ts";

const suite = (candidates: string) =>
  parseDocument(
    `version: 1
title: Seeds
data: { source: digits }
base: { model: base.onnx }
candidates: ${candidates}
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { pgd: pgd }
`,
    "suite.yaml",
    suiteSchema,
  );

test("a candidate of three seeds becomes three, in its place", () => {
  const { candidates } = suite(
    "{ a: { strategy: full, seeds: 3 }, b: { strategy: full } }",
  );
  expect(Object.keys(candidates)).toEqual(["a.1", "a.2", "a.3", "b"]);
  expect(candidates["a.2"]?.replica).toEqual({ of: "a", index: 2 });
  expect(candidates.b?.replica).toBeNull();
});

test("names that would be taken twice, and seeds of a given model, are refused", () => {
  expect(() =>
    suite("{ a: { strategy: full, seeds: 2 }, a.2: { strategy: full } }"),
  ).toThrow('is also the name of seed 2 of "a"');
  expect(() => suite("{ a: { model: a.onnx, seeds: 2 } }")).toThrow(
    "it has no seeds",
  );
});

test("Student's t: the tables' values, and the normal's with much freedom", () => {
  for (const [freedom, expected] of [
    [1, 12.7062],
    [2, 4.30265],
    [5, 2.57058],
    [30, 2.04227],
    [1e6, 1.95997],
  ] as const)
    expect(studentQuantile(0.975, freedom)).toBeCloseTo(expected, 3);
});

const replicas = [1, 2, 3].map((index) => ({
  ...candidate(`a.${index}`, 9, 10),
  replica: { of: "a", index },
}));

describe("the summary", () => {
  const of = (rows: readonly string[]) =>
    seedSummaries(
      rows.map((outcomes, i) =>
        cell({ candidate: `a.${i + 1}`, outcomes, threatModel: "small" }),
      ),
      replicas,
    );

  test("counts clean and robust accuracy of each seed", () => {
    const [clean, robust] = of(["1100-", "1110-", "11110"]);
    expect(clean?.threatModel).toBeNull();
    expect(clean?.values).toEqual([0.8, 0.8, 1]);
    expect(robust?.values).toEqual([0.4, 0.6, 0.8]);
    expect(robust?.mean).toBeCloseTo(0.6, 12);
    expect(robust?.betweenSeeds).toBeCloseTo(0.2, 12);
  });

  test("equal seeds leave the sampling error alone", () => {
    const [, robust] = of(["1100110010", "1100110010", "1100110010"]);
    expect(robust?.betweenSeeds).toBe(0);
    expect(robust?.samplingError).toBeCloseTo(Math.sqrt((0.5 * 0.5) / 9), 12);
    expect(robust?.low).toBeLessThan(0.5);
  });

  test("seeds that agree on every sample but differ in none have no doubt at all", () => {
    const [, robust] = of(["1111", "1111", "1111"]);
    expect([robust?.low, robust?.mean, robust?.high]).toEqual([1, 1, 1]);
  });

  test("its interval covers the mean about as often as it says", () => {
    const random = new Random(5);
    const [seedSpread, sampleSpread] = [0.08, 0.25];
    let covered = 0;
    const rounds = 400;
    for (let round = 0; round < rounds; round++) {
      const ease = Array.from(
        { length: 60 },
        () => 0.5 + sampleSpread * (2 * random.uniform() - 1),
      );
      const rows = replicas.map(() => {
        const skill = seedSpread * (2 * random.uniform() - 1);
        return ease
          .map((p) => (random.uniform() < p + skill ? "1" : "0"))
          .join("");
      });
      const [, robust] = of(rows);
      if (robust && robust.low <= 0.5 && 0.5 <= robust.high) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(0.93);
  });
});

test("a rule about the candidate is one about each of its seeds", () => {
  const clean = { min: 0.9 };
  expect(
    ruleOfEach({ cleanAccuracy: { ...clean, candidate: "a" } }, replicas),
  ).toEqual(
    ["a.1", "a.2", "a.3"].map((id) => ({
      cleanAccuracy: { ...clean, candidate: id },
    })),
  );
  expect(
    ruleOfEach({ cleanAccuracyDrop: { max: 0, candidate: "b", than: "a" } }, [
      ...replicas,
      { id: "b", replica: null },
    ]),
  ).toEqual([{ cleanAccuracyDrop: { max: 0, candidate: "b", than: "a.1" } }]);
  const other = { cleanAccuracy: { ...clean, candidate: "b" } };
  expect(ruleOfEach(other, replicas)).toEqual([other]);
});
