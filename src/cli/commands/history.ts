import { Command } from "commander";
import { readResults } from "#audit";
import { line, writeFile } from "#core";
import { historyHtml } from "#reports";

export const historyCommand = new Command("history")
  .argument("<runs...>", "folders of runs, or files of results")
  .option("--out <file>", "the page to write", "history.html")
  .addHelpText(
    "after",
    `
Examples:
  assay history runs/*
  assay history runs/2026-* --out trend.html

Runs are put in the order in which they were started.`,
  )
  .action((runs: string[], { out }: { out: string }) => {
    const read = runs.map((name) => ({ name, results: readResults(name) }));
    writeFile(out, historyHtml(read));
    process.stdout.write(`History: ${line(out)}\n`);
  });
