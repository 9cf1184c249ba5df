import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { jsonText, packagePath } from "#core";
import { resultsSchema } from "#results";
import { cell, outcomes } from "../audit/cells.ts";
import { runOf } from "../audit/comparing/runs.ts";
import { temporaryFolder } from "../folder.ts";
import { assay as assayIn } from "./assay.ts";

const folder = temporaryFolder();
const assay = (...args: string[]) => assayIn(folder, ...args);

const run = (robust: number) =>
  runOf([cell({ outcomes: outcomes(robust, 90 - robust, 10) })]);

beforeAll(() => {
  for (const [name, results] of [
    ["old", run(80)],
    ["new", run(40)],
    ["partial", { ...run(80), complete: false }],
    ["smaller", { ...run(80), cells: [], worstCases: [] }],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "results.json"), jsonText(results));
  }
});

test("assay compare says what became worse, and fails where it is asked to", async () => {
  const { out, code } = await assay("compare", "old", "new");
  expect(code).toBe(0);
  expect(out).toContain("Of 3 numbers that were tested, 2 became worse");
  expect(out).toMatch(
    /worse +worst case +full \/ none \/ linf-0\.1 +80\.0 % +40\.0 %/,
  );
  const asked = ["--fail-on", "regression"];
  expect((await assay("compare", "old", "new", ...asked)).code).toBe(3);
  expect((await assay("compare", "new", "old", ...asked)).code).toBe(0);
  expect((await assay("compare", "old", "smaller", ...asked)).code).toBe(4);
});

test("as JSON, as Markdown and as a page", async () => {
  const { out } = await assay("compare", "old", "new", "--json");
  const { rows } = resultsSchema.shape.comparison
    .unwrap()
    .parse(JSON.parse(out));
  expect(rows.map(({ change }) => change).sort()).toEqual([
    "undecided",
    "worse",
    "worse",
  ]);
  const args = ["--markdown", "--html", "page.html"];
  expect((await assay("compare", "old", "new", ...args)).out).toContain(
    "| worse | worst case |",
  );
  expect(readFileSync(join(folder, "page.html"), "utf8")).toContain(
    "2 became worse",
  );
});

test("assay baseline save keeps what a comparison needs, and refuses a partial run", async () => {
  expect((await assay("baseline", "save", "old", "base.json")).code).toBe(0);
  const asked = await assay("compare", "base.json", "new", "--json");
  expect(asked.out).toBe((await assay("compare", "old", "new", "--json")).out);
  const { code, err } = await assay("baseline", "save", "partial");
  expect(code).toBe(2);
  expect(err).toContain("is partial (--only), so it is no baseline");
  expect(existsSync(join(folder, "baseline.json"))).toBe(false);
});

test("assay history writes one page", async () => {
  expect((await assay("history", "old", "new", "--out", "h.html")).code).toBe(
    0,
  );
  expect(readFileSync(join(folder, "h.html"), "utf8")).toContain("over 2 runs");
});

test("what is no results document is refused", async () => {
  writeFileSync(join(folder, "other.json"), "{}");
  writeFileSync(join(folder, "broken.json"), "{");
  for (const file of ["other.json", "broken.json"]) {
    const { code, err } = await assay("compare", file, "new");
    expect(code).toBe(2);
    expect(err).toContain(file);
  }
});

test("a rule about regressions is refused in the plan without a baseline", async () => {
  const quick = readFileSync(packagePath("suites", "quick.yaml"), "utf8");
  const gate = "gate:\n  - regression: { robustAccuracy: { max: 0.02 } }\n";
  writeFileSync(
    join(folder, "suite.yaml"),
    quick.slice(0, quick.indexOf("gate:")) + gate,
  );
  const args = ["plan", "suite.yaml", "--json"];
  const { code, err } = await assay(...args);
  expect(code).toBe(2);
  expect(err).toContain("gate[0].regression: found no baseline");
  expect(err).toContain("assay baseline save");
  expect((await assay(...args, "--no-baseline")).code).toBe(0);
  expect((await assay(...args, "--baseline", "old")).code).toBe(0);
});
