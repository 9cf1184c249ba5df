import { expect, test } from "vitest";
import { renderMarkdown } from "#reports";
import { exampleResults } from "./results.ts";

const text = renderMarkdown(exampleResults());

test("begins with a mark by which it can be found and replaced", () => {
  expect(text).toMatch(/^<!-- assay:[^<>]* -->\n/);
});

test("says verdict, numbers with intervals, and what is not trusted", () => {
  expect(text).toContain("❌ failed");
  expect(text).toMatch(
    /\| full \| none \| 60\.0 % \| 20\.0 % \\\[[\d., ]+\\\] \*\*not trusted\*\*/,
  );
  expect(text).toContain("cells are not trusted");
});

test("text from outside breaks neither tables nor the page", () => {
  expect(text).not.toMatch(/<(script|img)/i);
  const rows = text.split("\n").filter((l) => l.startsWith("|"));
  const cells = (row: string) => row.replaceAll("\\|", "").split("|").length;
  for (const row of rows) expect([6, 7]).toContain(cells(row));
  expect(text).not.toContain("\u202e");
});
