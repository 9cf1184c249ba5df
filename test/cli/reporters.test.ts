import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Reporter, reporters } from "#reports";
import { outputsOf, write } from "../../src/cli/reporters.ts";
import { temporaryFolder } from "../folder.ts";
import { exampleResults } from "../reports/results.ts";

const folder = temporaryFolder();
let count = 0;
const results = exampleResults();
const title: Reporter = {
  id: "title",
  title: "The title alone",
  reference: "-",
  file: "title.txt",
  render: (found) => found.title,
};

test("a run writes the usual forms into its folder, and another where it is told to", async () => {
  const out = join(folder, String(count++));
  const other = join(out, "deep", "other.md");
  const printed = await write(
    results,
    outputsOf([`markdown:${other}`, "title", "html"], out, [
      ...reporters,
      title,
    ]),
  );
  expect(printed).toEqual([]);
  const read = (name: string) => readFileSync(join(out, name), "utf8");
  expect(JSON.parse(read("results.json"))).toEqual(
    JSON.parse(JSON.stringify(results)),
  );
  expect(read("deep/other.md")).toBe(read("summary.md"));
  expect(read("title.txt")).toBe(results.title);
  expect(read("report.html")).toMatch(/^<!doctype html>/i);
});

test("what goes to - is printed, each form once", async () => {
  const out = join(folder, String(count++));
  const printed = await write(
    results,
    outputsOf(["title:-", "title:-"], out, [title]),
  );
  expect(printed).toEqual([results.title]);
});

test("what is no reporter, and two that write one file, are refused by name", () => {
  expect(() => outputsOf(["htlm"], "out")).toThrow(
    /there is no reporter "htlm"/,
  );
  expect(() => outputsOf(["html:a", "markdown:./a"], "out")).toThrow(
    /would be written by html and by markdown/,
  );
  expect(() => outputsOf(["json:-", "html:-"], "out")).toThrow(
    /the standard output/,
  );
});

test("a reporter that throws is named", async () => {
  const broken: Reporter = {
    ...title,
    id: "broken",
    render: () => {
      throw new Error("no title");
    },
  };
  const outputs = outputsOf(["broken"], join(folder, String(count++)), [
    broken,
  ]);
  await expect(write(results, outputs)).rejects.toThrow(
    'the reporter "broken" failed: no title',
  );
});
