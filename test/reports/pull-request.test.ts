import fc from "fast-check";
import { expect, test } from "vitest";
import { compareResults } from "#audit";
import type { Results } from "#results";
import { pullRequest } from "../../reports/reporters/pull-request.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const read = (results: Results) => textOf(pullRequest, results);

test("says the verdict, what is no pass, numbers with intervals, and what is not there", () => {
  const text = read(exampleResults());
  expect(text).toMatch(/^<!-- assay:[^<>]* -->\n### .*: failed\n/);
  expect(text).toMatch(/\| \*\*failed\*\* \| Too low for/);
  expect(text).toContain("1 of 2 rules passed.");
  expect(text).toMatch(
    /\| full \| none \| linf-0\.1 \| 60\.0 % .* \| 20\.0 % \\\[[\d., ]+\\\] of 50 \*\*not trusted\*\* \|/,
  );
  expect(text).toContain("**without 2 attacks**");
  expect(text).toMatch(/Missing: 2 cells/);
  expect(text).toMatch(
    /\*\*\d+ of \d+ numbers are not trusted\*\*: full\/none\/pgd@linf-0\.1/,
  );
});

test("says what changed since the baseline, where there is one", () => {
  const now = exampleResults();
  const text = read({ ...now, comparison: compareResults(now, now) });
  expect(text).toMatch(
    /Since the baseline: Of \d+ numbers that were tested, 0 became worse/,
  );
  expect(read(now)).not.toContain("baseline");
});

test("is shorter than the longest comment, whatever there is to say", () => {
  const long = "x".repeat(10_000);
  const rule = { ...exampleResults().gate.rules[0]!, reason: `${long}<>&|` };
  const text = read(
    exampleResults((r) => ({
      title: long,
      gate: { verdict: "failed", rules: Array(500).fill(rule) },
      worstCases: r.worstCases.map((w) => ({ ...w, candidate: long })),
      trials: r.trials.map((t) => ({ ...t, trial: "<".repeat(5000) })),
    })),
  );
  expect(text.length).toBeLessThan(65_000);
  expect(text).toContain("and 488 more, in the report.");
});

test("names from outside break no table and call nobody", () => {
  fc.assert(
    fc.property(names, (name) => {
      const text = read(resultsNamed(name));
      expect(text).not.toMatch(/<(?!!-- |\/?sub>)/);
      expect(text).not.toMatch(/(?<!\w)@(?!<!-- -->)/);
      const rows = text.split("\n").filter((line) => line.startsWith("|"));
      const widths = rows.map(
        (row) => row.replace(/\\./gs, "").split("|").length,
      );
      expect([...new Set(widths)].sort()).toEqual([5, 6, 7]);
      const shown = (t: string) =>
        t
          .replaceAll("<!-- -->", "")
          .replace(/\\(.)/gs, "$1")
          .replaceAll("&lt;", "<")
          .replaceAll("&gt;", ">")
          .replaceAll("&amp;", "&")
          .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Cf}\s]/gu, "");
      expect(shown(text)).toContain(
        shown(
          name
            .replaceAll("<!-- -->", "")
            .replace(/\\/g, "\\\\")
            .replaceAll("&", "&amp;"),
        ),
      );
    }),
  );
});
