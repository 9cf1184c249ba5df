import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import { examplesIn, readResults } from "#audit";
import {
  deviceOption,
  type EngineOptions,
  engineOption,
} from "../engine-options.ts";
import {
  outputsOf,
  reporterOption,
  reportersOf,
  warn,
  write,
} from "../reporters.ts";
import { unitsOf, useOption } from "../use-option.ts";

interface ReportOptions extends EngineOptions {
  reporter?: string[];
  use: readonly string[];
}

export const reportCommand = new Command("report")
  .argument("<run>", "folder of a run, or its results.json")
  .addOption(reporterOption())
  .addOption(useOption())
  .addOption(engineOption())
  .addOption(deviceOption())
  .addHelpText(
    "after",
    `
Examples:
  assay report runs/mine
  assay report runs/mine --reporter junit:junit.xml --reporter sarif:assay.sarif
  assay report runs/mine --reporter pull-request:-

Without --reporter, results, summary and report are written again. Exit status 0.`,
  )
  .action(async (run: string, options: ReportOptions) => {
    const { reporter = [], use, engine, device } = options;
    const results = readResults(run);
    const out = isFolder(run) ? run : dirname(run);
    const outputs = outputsOf(reporter, out, reportersOf(await unitsOf(use)));
    const asked = outputs.filter(
      (one) => reporter.length === 0 || !one.isUsual,
    );
    const examplesOf = examplesIn({ out, engine: { engine, device } }, results);
    const printed = await write(
      results,
      asked,
      { examplesOf, works: [] },
      warn,
    );
    for (const content of printed) process.stdout.write(content);
  });

const isFolder = (path: string): boolean =>
  existsSync(path) && statSync(path).isDirectory();
