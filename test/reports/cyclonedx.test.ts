import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { cyclonedx } from "../../reports/reporters/cyclonedx.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const library = createRequire(import.meta.url).resolve(
  "@cyclonedx/cyclonedx-library/package.json",
);
const schema = (name: string) =>
  JSON.parse(
    readFileSync(
      join(dirname(library), "res", "schema", `${name}.SNAPSHOT.schema.json`),
      "utf8",
    ),
  );
const ajv = new Ajv({ strict: false, formats: { "idn-email": true } });
addFormats.default(ajv);
ajv.addFormat("iri-reference", true);
for (const name of ["spdx", "jsf-0.82"])
  ajv.addSchema(
    { ...schema(name), $id: undefined },
    `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`,
  );
const validate = ajv.compile(schema("bom-1.6"));

interface Metric {
  readonly type: string;
  readonly value: string;
  readonly slice: string;
  readonly confidenceInterval?: { lowerBound: string; upperBound: string };
}

function read(results: Results) {
  const bom = JSON.parse(textOf(cyclonedx, results));
  validate(bom);
  expect(validate.errors).toBeNull();
  return bom;
}
const modelOf = (results: Results, id: string) =>
  read(results).components.find(({ name }: { name: string }) => name === id);

test("is CycloneDX 1.6: models with their base, their data and their metrics", () => {
  const results = exampleResults();
  const { components, metadata } = read(results);
  expect(components.map(({ type }: { type: string }) => type)).toEqual([
    "data",
    ...results.candidates.map(() => "machine-learning-model"),
  ]);
  const { pedigree, hashes } = modelOf(results, "full");
  expect(hashes).toEqual([{ alg: "SHA-256", content: "ab".repeat(32) }]);
  expect(pedigree.ancestors[0].name).toBe("models/base.onnx");
  expect(metadata.properties).toContainEqual({
    name: "assay:verdict",
    value: "failed",
  });
  const missing = metadata.properties.filter(
    ({ name }: { name: string }) => name === "assay:missing",
  );
  expect(missing).toHaveLength(2);
});

test("metrics have intervals, and say what is not trusted", () => {
  const card = modelOf(exampleResults(), "full").modelCard;
  const metrics: Metric[] = card.quantitativeAnalysis.performanceMetrics;
  const robust = metrics.filter(({ slice }) => slice.includes("linf-0.1"));
  expect(robust[0]).toMatchObject({
    type: "robust accuracy (not trusted)",
    value: "0.2",
    slice: expect.stringMatching(
      /defence none.*worst case of fgsm, pgd.*50 samples/,
    ),
  });
  for (const { value, confidenceInterval: ends } of robust) {
    expect(Number(ends?.lowerBound)).toBeLessThan(Number(value));
    expect(Number(ends?.upperBound)).toBeGreaterThan(Number(value));
  }
  expect(card.considerations.technicalLimitations).toContainEqual(
    expect.stringContaining("not trusted: worse than FGSM"),
  );
});

test("a model that was given has no hash of one file, and no base that is not its own", () => {
  const results = exampleResults(({ candidates }) => ({
    candidates: candidates.map((c) => ({
      ...c,
      origin: "given",
      lineage: null,
    })),
  }));
  const { hashes, pedigree, properties } = modelOf(results, "full");
  expect([hashes, pedigree]).toEqual([undefined, undefined]);
  expect(properties).toContainEqual({
    name: "assay:hash",
    value: "ab".repeat(32),
  });
});

test("the serial number is of these results", () => {
  const number = (r: Results) => read(r).serialNumber;
  const results = exampleResults();
  expect(number(results)).toBe(number(exampleResults()));
  expect(number(exampleResults(() => ({ title: "other" })))).not.toBe(
    number(results),
  );
});

test("names from outside stay names", () => {
  fc.assert(
    fc.property(names, (name) => {
      expect(modelOf(resultsNamed(name), name)).toBeDefined();
    }),
    { numRuns: 20 },
  );
});
