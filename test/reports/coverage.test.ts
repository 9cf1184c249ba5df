import fc from "fast-check";
import { expect, test } from "vitest";
import { attacks, textAttacks, trialAttacks } from "#attacks";
import { renderHtml } from "#reports";
import { coverageOf, coveredText } from "../../reports/coverage.ts";
import { coverage } from "../../reports/reporters/coverage.ts";
import { taxonomies } from "../../reports/taxonomies.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const rowOf = (list: string, start: string, results = exampleResults()) =>
  coverageOf(results)
    .find((one) => one.list.includes(list))
    ?.rows.find(({ id, name }) => `${id} ${name}`.startsWith(start));

test("says what measured each thing, and what nothing measured", () => {
  expect(rowOf("Article 15", "15(1) Accuracy")?.by).toEqual(["clean accuracy"]);
  expect(rowOf("Article 15", "15(4) Robustness: errors")?.by).toEqual([
    "noise",
  ]);
  expect(rowOf("Article 15", "15(5) Cybersecurity: adversarial")?.by).toEqual([
    "fgsm",
    "pgd",
    "square",
  ]);
  const privacy = rowOf("Article 15", "15(5) Cybersecurity: confidentiality");
  expect(privacy && coveredText(privacy)).toBe("not measured");
  expect(rowOf("ATLAS", "AML.T0020")?.by).toEqual(["flips"]);
  expect(rowOf("OWASP", "ML05:2023")?.by).toEqual([]);
});

test("numbers that are not trusted are counted", () => {
  const row = rowOf("NIST", "NISTAML.022")!;
  expect(row.untrusted).toBeGreaterThan(0);
  expect(coveredText(row)).toMatch(/numbers, \d+ of them not trusted$/);
});

test("an attack that was planned and has no number measured nothing", () => {
  const none = exampleResults(() => ({ cells: [], trials: [] }));
  for (const { list, rows } of coverageOf(none))
    if (!list.includes("AI Act"))
      expect(rows.every(({ by }) => by.length === 0)).toBe(true);
});

test("every id that an attack states is in its list", () => {
  for (const { key, entries } of taxonomies) {
    const known = entries.map(([id]) => id);
    for (const { id, taxonomy } of [
      ...attacks,
      ...textAttacks,
      ...trialAttacks,
    ])
      for (const one of taxonomy[key])
        expect(known, `${id} states ${one}`).toContain(one);
  }
});

test("is in the report and in Markdown, and claims nothing", async () => {
  const results = exampleResults();
  const texts = [textOf(coverage, results), await renderHtml(results)];
  for (const text of texts) {
    expect(text).toContain("EU AI Act, Article 15");
    expect(text).toContain("not measured");
    expect(text).not.toMatch(/complian/i);
  }
});

test("names from outside break no table", () => {
  fc.assert(
    fc.property(names, (name) => {
      const text = textOf(coverage, resultsNamed(name));
      const rows = text.split("\n").filter((line) => line.startsWith("|"));
      for (const row of rows)
        expect(row.replace(/\\./gs, "").split("|")).toHaveLength(5);
    }),
    { numRuns: 30 },
  );
});
