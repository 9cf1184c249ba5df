import { describe, expect, test } from "vitest";
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

  test("seeds that agree that all samples are robust do not prove that all are", () => {
    const [, robust] = of(["1".repeat(60), "1".repeat(60), "1".repeat(60)]);
    expect([robust?.mean, robust?.high]).toEqual([1, 1]);
    expect(robust?.low).toBeGreaterThan(0.9);
    expect(robust?.low).toBeLessThan(0.95);
  });

  test("says which seeds and attacks it is without", () => {
    const cellOf = (id: string, threatModel: string) => ({
      ...{ what: "cell" as const, id: `${id}/none/pgd@${threatModel}` },
      ...{ candidate: id, defense: "none", attack: "pgd", threatModel },
      ...{ adaptive: true, because: "look a.3" },
    });
    const known = ["a.1", "a.2"].map((candidate) =>
      cell({ candidate, outcomes: "1100-", threatModel: "small" }),
    );
    const summaries = (...missing: ReturnType<typeof cellOf>[]) =>
      seedSummaries(known, replicas.slice(0, 2), [], replicas, missing).map(
        ({ planned, missing }) => [planned, missing],
      );
    expect(summaries()).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(summaries(cellOf("a.3", "small"))).toEqual([
      [3, ["a.3"]],
      [3, ["a.3"]],
    ]);
    // A number under one threat model is not without what another one lacks.
    expect(
      summaries(cellOf("a.1", "small"), cellOf("a.2", "large")).at(-1),
    ).toEqual([undefined, ["a.1/none/pgd@small"]]);
  });

  test("one seed of several that was audited alone is no summary", () => {
    expect(of(["1100"])).toEqual([]);
  });
});

test("a rule about the candidate is one about each of its seeds", () => {
  const clean = { min: 0.9 };
  expect(
    ruleOfEach({ cleanAccuracy: { ...clean, candidate: "a" } }, replicas),
  ).toEqual(
    // The last is the mean over them.
    ["a.1", "a.2", "a.3", "a"].map((id) => ({
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
