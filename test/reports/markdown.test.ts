import { expect, test } from "vitest";
import { renderMarkdown } from "#reports";
import { markdown } from "../../reports/reporters/markdown.ts";
import { nothing } from "./nothing.ts";
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
  expect(text).toContain("numbers are not trusted");
});

test("says what failed, why, and what is missing", () => {
  expect(text).toMatch(
    /- examples full\/none\/square@linf-0.2: a logit of .* Missing: 2 cells/,
  );
  expect(text).toContain("**without 2 attacks**");
  const whole = { failures: undefined, missing: undefined };
  expect(renderMarkdown(exampleResults(() => whole))).not.toContain("without");
});

test("text from outside breaks neither tables nor the page", () => {
  expect(text).not.toMatch(/<(script|img)/i);
  const rows = text.split("\n").filter((l) => l.startsWith("|"));
  const cells = (row: string) => row.replaceAll("\\|", "").split("|").length;
  for (const row of rows) expect([6, 7]).toContain(cells(row));
  expect(text).not.toContain("\u202e");
});

test("a summary is short enough for a job page, and says what it leaves out", () => {
  const long = exampleResults(({ gate }) => ({
    gate: {
      ...gate,
      rules: Array.from({ length: 4000 }, (_, i) => ({
        ...gate.rules[0]!,
        subject: String(i),
        reason: "é".repeat(200),
      })),
    },
  }));
  const cut = markdown.render(long, nothing) as string;
  expect(Buffer.byteLength(cut)).toBeLessThan(1_000_000);
  expect(cut).toMatch(/ \|\n\nand \d+ more lines, in the report\.\n$/);
  expect(cut).not.toContain("\ufffd");
  expect(markdown.render(exampleResults(), nothing)).toBe(text);
});
