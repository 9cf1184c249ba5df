import { readFileSync } from "node:fs";
import fc from "fast-check";
import { XmlDocument, XsdValidator } from "libxml2-wasm";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { junit } from "../../reports/reporters/junit.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const schema = XsdValidator.fromDoc(
  XmlDocument.fromBuffer(
    readFileSync(new URL("../fixtures/formats/junit-10.xsd", import.meta.url)),
  ),
);

/** The document, held against the schema, and what an expression finds in it. */
function read(results: Results) {
  const document = XmlDocument.fromString(textOf(junit, results));
  schema.validate(document);
  return (xpath: string) => document.find(xpath).map(({ content }) => content);
}

test("every rule, cell and trial is a case, and counts are those of the cases", () => {
  const results = exampleResults();
  const find = read(results);
  const { gate, cells, trials } = results;
  const { failures = [], missing = [] } = results;
  const decided = (results.decisions ?? []).flatMap(({ cells }) => cells);
  const all = find("//testcase/@name");
  expect(all).toHaveLength(
    [gate.rules, cells, decided, trials, failures, missing].flat().length,
  );
  expect(new Set(all).size).toBe(all.length);
  expect(find("/testsuites/@tests")).toEqual([String(all.length)]);
  for (const [tag, count] of [
    ["failure", "failures"],
    ["error", "errors"],
    ["skipped", "skipped"],
  ]) {
    const told = find(`//testsuite/@${count}`).reduce(
      (a, b) => a + Number(b),
      0,
    );
    expect(told).toBe(find(`//testcase/${tag}`).length);
  }
  expect(find("//property[@name='verdict']/@value")).toEqual(["failed"]);
});

test("a broken rule fails; what is not trusted is skipped; what is missing is an error", () => {
  const find = read(exampleResults());
  expect(find("//testsuite[@name='gate']//failure/@message")).toEqual([
    expect.stringMatching(/^Too low for /),
  ]);
  const [skipped] = find(
    "//testcase[@name='full/none/pgd@linf-0.1']/skipped/@message",
  );
  expect(skipped).toMatch(
    /^Robust accuracy [\d.]+ % \[[\d., ]+\] of 50 .*; not trusted: worse than FGSM/,
  );
  expect(
    find("//testcase[starts-with(@name, 'missing cell')]/error/@message"),
  ).toEqual(
    Array(2).fill(
      "No result, since examples full/none/square@linf-0.2 failed.",
    ),
  );
});

test("an undecided rule is skipped with its reason", () => {
  const find = read(
    exampleResults(({ gate }) => ({
      gate: {
        verdict: "inconclusive",
        rules: gate.rules.map((r) => ({ ...r, verdict: "inconclusive" })),
      },
    })),
  );
  expect(
    find("//testsuite[@name='gate']//skipped[@type='inconclusive']"),
  ).toHaveLength(2);
  expect(find("//failure")).toEqual([]);
});

test("a partial run says that it has no verdict", () => {
  const find = read(exampleResults(() => ({ complete: false })));
  expect(find("//property[@name='verdict']/@value")).toEqual([
    "partial run, no verdict",
  ]);
});

test("names from outside stay text", () => {
  fc.assert(
    fc.property(names, (name) => {
      const find = read(resultsNamed(name));
      const kept = name.replace(
        // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has none of them.
        /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu,
        "\ufffd",
      );
      expect(find("//testsuite/@name")).toContain(`candidate ${kept}`);
    }),
    { numRuns: 30 },
  );
});
