import { Command, Option } from "commander";
import { compareResults, type Results, readResults } from "#audit";
import { jsonText, lines, UsageError, writeFile } from "#core";
import {
  type Comparison,
  isTold,
  runsHeadline,
  runsHtml,
  runsMarkdown,
  runsMethod,
  runsRows,
} from "#reports";
import { coloursFor } from "../colour.ts";
import { exitCodes } from "../exit-codes.ts";
import { columns } from "../format.ts";

interface CompareOptions {
  json?: boolean;
  markdown?: boolean;
  html?: string;
  failOn?: "regression";
}

export const compareCommand = new Command("compare")
  .argument("<old>", "results.json of a run, its folder, or a saved baseline")
  .argument("<new>", "the same of the run to compare with it")
  .option("--json", "print the comparison as JSON")
  .option("--markdown", "print it for a pull request")
  .option("--html <file>", "write it as a page too")
  .addOption(
    new Option(
      "--fail-on <what>",
      "exit with 3 where a number became worse, 4 where one cannot be compared any more",
    ).choices(["regression"]),
  )
  .addHelpText(
    "after",
    `
Examples:
  assay compare runs/old runs/new
  assay compare baseline.json runs/new --fail-on regression
  assay compare runs/old runs/new --html compared.html
  assay compare runs/old runs/new --json | jq '.rows[] | select(.change == "worse")'

Exit status: 0 compared, 2 usage or files. With --fail-on regression also 3 where a number
became worse, and 4 where none did, but something that the old run has is gone, not
comparable or not trusted any more. How the numbers are made: docs/comparing.md.`,
  )
  .action((old: string, now: string, options: CompareOptions) => {
    const runs = [old, now].map((path) => comparable(readResults(path), path));
    const comparison = compareResults(runs[0]!, runs[1]!);
    const { json, markdown, html, failOn } = options;
    if (html !== undefined) writeFile(html, runsHtml(comparison));
    process.stdout.write(
      json
        ? jsonText(comparison)
        : markdown
          ? runsMarkdown(comparison)
          : comparisonText(lines(comparison)),
    );
    process.exitCode = failOn ? regressionCode(comparison) : exitCodes.passed;
  });

/** Throws SMOKE for a smoke run, whose numbers mean nothing. */
function comparable(results: Results, path: string): Results {
  if (!results.smoke) return results;
  throw new UsageError(
    "SMOKE",
    `${path} is a smoke run (--samples, --quick), whose numbers mean nothing`,
    "Compare whole runs.",
  );
}

/** What a pipeline does about a comparison. */
export function regressionCode({
  rows,
  tests,
}: Pick<Comparison, "rows" | "tests">): number {
  if (rows.some(({ change }) => change === "worse"))
    return exitCodes.gateFailed;
  const isLost = rows.some(
    ({ change, trust }) =>
      change === "gone" ||
      change === "refused" ||
      (change === "untrusted" && trust === "old"),
  );
  return isLost || tests === 0 ? exitCodes.inconclusive : exitCodes.passed;
}

/** A comparison as a person reads it on a terminal. */
export function comparisonText(comparison: Comparison): string {
  const pc = coloursFor(process.stdout);
  const rows = runsRows(comparison);
  const told = rows.filter(({ of }) => isTold(of));
  const quiet = rows.length - told.length;
  const heading = [
    "",
    "number",
    "of",
    "before",
    "now",
    "difference",
    "test",
    "samples",
    "note",
  ];
  const table = [
    heading,
    ...told.map((r) => [
      r.word,
      r.what,
      [r.candidate, r.defense, r.threat].filter(Boolean).join(" / "),
      r.old,
      r.now,
      `${r.difference} ${r.interval}`.trim(),
      r.test,
      r.flips,
      r.note,
    ]),
  ];
  const paint = (text: string, i: number) =>
    told[i - 1]?.change === "worse"
      ? pc.red(text)
      : told[i - 1]?.change === "better"
        ? pc.green(text)
        : text;
  return `${[
    runsHeadline(comparison),
    runsMethod(comparison),
    ...comparison.differences.map((one) => `  ${one}.`),
    ...(told.length > 0 ? ["", ...columns(table).split("\n").map(paint)] : []),
    ...(quiet > 0
      ? [
          "",
          `${quiet} other numbers: no change is shown, they are new, or nobody trusted them.`,
        ]
      : []),
  ].join("\n")}\n`;
}
