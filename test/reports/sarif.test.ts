import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import type { Log } from "sarif";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { sarif } from "../../reports/reporters/sarif.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const ajv = new Ajv({ strict: false, unicodeRegExp: false });
addFormats.default(ajv);
const validate = ajv.compile(
  JSON.parse(
    readFileSync(
      new URL("../fixtures/formats/sarif-2.1.0.schema.json", import.meta.url),
      "utf8",
    ),
  ),
);

function read(results: Results) {
  const log = JSON.parse(textOf(sarif, results)) as Log;
  validate(log);
  expect(validate.errors).toBeNull();
  const [run] = log.runs;
  return { ...run!, results: run!.results! };
}

test("is SARIF 2.1.0, with a rule and help for every result", () => {
  const { results, tool } = read(exampleResults());
  const rules = tool.driver.rules!;
  expect(results.length).toBeGreaterThan(3);
  for (const { ruleId, ruleIndex } of results) {
    expect(rules[ruleIndex!]?.id).toBe(ruleId);
    expect(rules[ruleIndex!]?.help?.text.length).toBeGreaterThan(50);
  }
});

test("levels go by the verdict, and no result is a pass", () => {
  const { results, properties } = read(exampleResults());
  const of = (start: string) =>
    results.filter(({ ruleId }) => ruleId!.startsWith(start));
  expect(of("gate/").map(({ level }) => level)).toEqual(["error"]);
  expect(of("failed/").map(({ level }) => level)).toEqual(["error"]);
  expect(of("missing/").map(({ level }) => level)).toEqual(["error", "error"]);
  const [trust] = of("trust/");
  expect(trust?.level).toBe("warning");
  expect(trust?.message.text).toMatch(/\[[\d., ]+\] of 50 .*not trusted/);
  expect(trust?.taxa?.map(({ id }) => id)).toEqual([
    "AML.T0015",
    "ML01:2023",
    "NISTAML.022",
  ]);
  expect(properties).toMatchObject({ verdict: "failed" });
  expect(properties?.worstCases).toContainEqual(
    expect.objectContaining({ candidate: "full", trusted: false, value: 0.2 }),
  );
});

test("what GitHub asks: a place in a file, a print that stays, few enough results", () => {
  const { results } = read(exampleResults());
  for (const { locations } of results)
    expect(locations?.[0]?.physicalLocation?.region?.startLine).toBe(1);
  const prints = (r: Results) =>
    read(r).results.map((one) => one.partialFingerprints?.["assay/v1"]);
  const moved = exampleResults(({ cells }) => ({
    cells: cells.map((c) => ({
      ...c,
      checks: c.checks.map((check) => ({ ...check, message: "9 % other" })),
    })),
  }));
  expect(prints(moved)).toEqual(prints(exampleResults()));
  const rule = exampleResults().gate.rules[0]!;
  const many = read(
    exampleResults(() => ({
      gate: {
        verdict: "failed",
        rules: Array.from({ length: 6000 }, (_, i) => ({
          ...rule,
          subject: String(i),
          verdict: i < 2 ? "inconclusive" : "failed",
        })),
      },
    })),
  );
  expect(many.results).toHaveLength(5000);
  expect(many.results.every(({ level }) => level === "error")).toBe(true);
  const notes = many.invocations?.[0]?.toolExecutionNotifications;
  expect(notes?.at(-1)?.message.text).toMatch(/^10\d\d more findings/);
});

test("names from outside stay names", () => {
  fc.assert(
    fc.property(names, (name) => {
      const { results } = read(resultsNamed(name));
      const whole = results.map((r) => r.locations?.[0]?.logicalLocations?.[0]);
      expect(whole.map((one) => one?.fullyQualifiedName)).toContain(
        `${name}/none/pgd@linf-0.1`,
      );
    }),
  );
});
