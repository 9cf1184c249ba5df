import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Results } from "#results";
import { gitlab } from "../../reports/reporters/gitlab.ts";
import { metrics } from "../../reports/reporters/metrics.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

/** What GitLab's documentation asks of a code quality report. */
const issues = z.array(
  z.object({
    description: z.string().regex(/^[^\r\n]+$/),
    check_name: z.string().min(1),
    fingerprint: z.string().min(1),
    severity: z.enum(["info", "minor", "major", "critical", "blocker"]),
    location: z.object({
      path: z.string().regex(/^(?!\.\/)[^\r\n]+/),
      lines: z.object({ begin: z.int().positive() }),
    }),
  }),
);
const read = (results: Results) =>
  issues.parse(JSON.parse(textOf(gitlab, results)));

test("what is no pass is an issue, by how bad it is", () => {
  const found = read(exampleResults());
  const of = (start: string) =>
    found.filter(({ check_name }) => check_name.startsWith(start));
  expect(of("gate/").map(({ severity }) => severity)).toEqual(["major"]);
  expect(of("failed/").map(({ severity }) => severity)).toEqual(["critical"]);
  expect(of("missing/")).toHaveLength(2);
  expect(of("trust/")[0]).toMatchObject({ severity: "minor" });
  expect(of("trust/")[0]?.description).toMatch(/not trusted: worse than FGSM/);
});

test("an issue is the same one while its numbers move", () => {
  const results = exampleResults();
  const moved = exampleResults(({ cells }) => ({
    cells: cells.map((cell) => ({
      ...cell,
      checks: cell.checks.map((c) => ({ ...c, message: `${c.message} 7 %` })),
    })),
  }));
  const prints = (r: Results) => read(r).map(({ fingerprint }) => fingerprint);
  expect(prints(moved)).toEqual(prints(results));
  expect(new Set(prints(results)).size).toBe(prints(results).length);
});

/** Samples by the grammar of OpenMetrics 1.0. */
function samples(results: Results) {
  const all = textOf(metrics, results);
  expect(all.endsWith("# EOF\n")).toBe(true);
  const families = new Set<string>();
  return all
    .split("\n")
    .slice(0, -2)
    .flatMap((line) => {
      const declared = /^# TYPE ([a-z_]+) gauge$/.exec(line);
      if (declared) {
        expect(families).not.toContain(declared[1]);
        families.add(declared[1]!);
        return [];
      }
      if (/^# (UNIT [a-z_]+_ratio ratio|HELP [a-z_]+ [^"\\]+)$/.test(line))
        return [];
      const sample =
        /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)*)\})? ([\d.e-]+)$/u.exec(
          line,
        );
      expect(sample, line).not.toBeNull();
      const [, name, labels = "", value] = sample!;
      expect(families).toContain(name);
      const pairs = labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g);
      return [
        {
          name,
          value: Number(value),
          labels: Object.fromEntries(
            Array.from(pairs, ([, key, v]) => [
              key!,
              v!.replace(/\\(.)/g, "$1"),
            ]),
          ),
        },
      ];
    });
}

test("numbers are gauges with their intervals, and whether they are trusted", () => {
  const results = exampleResults();
  const all = samples(results);
  const full = all.filter(
    ({ name, labels }) =>
      name === "assay_robust_accuracy_ratio" &&
      labels.candidate === "full" &&
      labels.defense === "none" &&
      labels.threat_model === "linf-0.1",
  );
  expect(full.map(({ labels }) => [labels.bound, labels.trusted])).toEqual([
    ["estimate", "false"],
    ["low", "false"],
    ["high", "false"],
  ]);
  expect(full[0]?.value).toBe(0.2);
  expect(full[1]!.value).toBeLessThan(0.2);
  expect(full[2]!.value).toBeGreaterThan(0.2);
  const one = (name: string) => all.find((s) => s.name === name)?.value;
  expect(one("assay_missing_results")).toBe(2);
  expect(one("assay_failed_works")).toBe(1);
  const verdict = all.filter(
    (s) => s.name === "assay_gate_verdict" && s.value === 1,
  );
  expect(verdict.map(({ labels }) => labels.verdict)).toEqual(["failed"]);
});

test("names from outside stay in their places", () => {
  fc.assert(
    fc.property(names, (name) => {
      const results = resultsNamed(name);
      const candidates = new Set(
        samples(results).map(({ labels }) => labels.candidate),
      );
      const visible = (t: string) =>
        t.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Cf}\s]/gu, "");
      expect([...candidates].map((c) => visible(c ?? ""))).toContain(
        visible(name),
      );
      expect(
        read(results).some(({ description }) =>
          visible(description).startsWith(visible(`${name}/none/pgd@`)),
        ),
      ).toBe(true);
    }),
  );
});
