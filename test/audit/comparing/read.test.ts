import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { attacks } from "#attacks";
import { readResults } from "#audit";
import { packagePath } from "#core";
import { renderHtml, renderMarkdown } from "#reports";
import { RESULTS_VERSION } from "#results";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();
const fixtures = packagePath("test/fixtures/results");
const versions = readdirSync(fixtures);

test.each(versions)("results of %s are read, and reported on", async (name) => {
  const path = join(fixtures, name);
  const old = JSON.parse(readFileSync(path, "utf8"));
  const results = readResults(path);
  expect(results.schemaVersion).toBe(RESULTS_VERSION);
  // What was there is as it was.
  for (const [i, cell] of results.cells.entries())
    expect(cell).toMatchObject(old.cells[i]);
  expect(results.worstCases[0]).toMatchObject(old.worstCases[0]);
  expect(results.gate).toEqual(old.gate);
  expect(renderMarkdown(results)).toContain(results.candidates[0]?.id);
  expect(await renderHtml(results)).toContain("</html>");
});

test("a version from 1.0 to this one has a fixture", () => {
  const minor = Number(RESULTS_VERSION.split(".")[1]);
  const all = Array.from({ length: minor }, (_, i) => `1.${i}.json`);
  expect(versions).toEqual(expect.arrayContaining(all));
});

const base = JSON.parse(readFileSync(join(fixtures, "1.0.json"), "utf8"));

const noise = attacks.find(({ id }) => id === "noise");

test("an attack that says no family has its own, and a blind one evaluates no defence", () => {
  const blind = {
    ...base.worstCases[0],
    defense: "median",
    attacks: ["noise"],
  };
  const named = [
    { ...base.attacks[0], id: "noise", title: noise?.title, family: undefined },
    { ...base.attacks[0], id: "mine", title: "Mine", family: undefined },
  ];
  const path = put(
    folder,
    "family.json",
    JSON.stringify({ ...base, attacks: named, worstCases: [blind] }),
  );
  const results = readResults(path);
  expect(results.attacks.map(({ family }) => family)).toEqual([
    "control",
    "iterative",
  ]);
  expect(results.worstCases[0]?.evaluated).toBe(false);
});

test("warnings of candidates stand where all warnings do", () => {
  const candidates = base.candidates.map((one: object) => ({
    ...one,
    warnings: ["odd"],
  }));
  const path = put(
    folder,
    "warnings.json",
    JSON.stringify({ ...base, candidates }),
  );
  expect(readResults(path).warnings).toContain("odd");
});

test.each([
  ["[1]", "no results document"],
  ["{", "no JSON"],
  [JSON.stringify({ ...base, schemaVersion: "1.99" }), "version 1.99"],
  [JSON.stringify({ ...base, schemaVersion: "2.0" }), "version 2.0"],
  [JSON.stringify({ ...base, cells: 3 }), "no results document"],
  [JSON.stringify({ ...base, more: 1 }), "no results document"],
])("%.30s is refused", (text, why) => {
  const path = put(folder, "bad.json", text);
  expect(() => readResults(path)).toThrow(
    expect.objectContaining({
      code: "RESULTS_INVALID",
      message: expect.stringContaining(why),
    }),
  );
});
