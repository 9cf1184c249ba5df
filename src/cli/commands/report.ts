import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { examplesIn, type Results, readResults } from "#audit";
import { writeFile } from "#core";
import { renderHtml } from "#reports";
import { installedBrowser } from "../pdf/browser.ts";
import { asPdf, isRoot } from "../pdf/print.ts";
import {
  outputsOf,
  reporterOption,
  reportersOf,
  warn,
  write,
} from "../reporters.ts";
import { unitsOf, useOption } from "../use-options.ts";

interface ReportOptions {
  reporter?: string[];
  /** True for the usual file. */
  pdf?: string | true;
  use: readonly string[];
}

export const reportCommand = new Command("report")
  .argument("<run>", "folder of a run, or its results.json")
  .addOption(reporterOption())
  .option(
    "--pdf [file]",
    "print the report to a PDF (report.pdf in the folder) by an installed Chromium, Chrome or Edge: CHROME_PATH, or what is on the PATH",
  )
  .addOption(useOption())
  .addHelpText(
    "after",
    `
Examples:
  assay report runs/mine
  assay report runs/mine --reporter junit:junit.xml --reporter sarif:assay.sarif
  assay report runs/mine --reporter pull-request:-
  assay report runs/mine --pdf
  assay report runs/mine --pdf audit.pdf

Without --reporter and --pdf, results, summary and report are written again. The browser has no
network; it runs without its sandbox for root alone, who has none. Exit status 0.`,
  )
  .action(async (run: string, options: ReportOptions) => {
    const { reporter = [], pdf, use } = options;
    const results = readResults(run);
    const out = isFolder(run) ? run : dirname(run);
    const outputs = outputsOf(reporter, out, reportersOf(await unitsOf(use)));
    const asked = outputs.filter(
      (one) => (reporter.length === 0 && !pdf) || !one.isUsual,
    );
    const examplesOf = examplesIn({ out }, results);
    const printed = await write(
      results,
      asked,
      { examplesOf, works: [] },
      warn,
    );
    for (const content of printed) process.stdout.write(content);
    if (pdf)
      await printReport(results, pdf === true ? join(out, "report.pdf") : pdf);
  });

async function printReport(results: Results, file: string): Promise<void> {
  const browser = installedBrowser();
  if (isRoot())
    warn(
      `${browser} runs without its sandbox, since it has none for root; it prints a page of ours that loads nothing`,
    );
  writeFile(file, await asPdf(await renderHtml(results), browser));
}

const isFolder = (path: string): boolean =>
  existsSync(path) && statSync(path).isDirectory();
