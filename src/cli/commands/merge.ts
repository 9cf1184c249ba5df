import { Command } from "commander";
import { baselineOption, noBaselineOption } from "../baseline-options.ts";
import {
  deviceOption,
  engineOption,
  workersOption,
} from "../engine-options.ts";
import { reporterOption } from "../reporters.ts";
import { noUseOption } from "../suite-options.ts";
import { type RunOptions, run } from "./run.ts";

interface MergeOptions extends RunOptions {
  out: string;
  suite?: string;
}

export const mergeCommand = new Command("merge")
  .argument("<folders...>", "folders of all shards of one run")
  .requiredOption("--out <folder>", "folder of the whole run")
  .option(
    "--suite <file>",
    "the suite, where it is not where the shards had it",
  )
  .addOption(engineOption())
  .addOption(deviceOption())
  .addOption(workersOption())
  .addOption(noUseOption())
  .addOption(reporterOption())
  .addOption(baselineOption())
  .addOption(noBaselineOption())
  .option("--quiet", "no progress")
  .option("--json", "the same as --reporter json:-")
  .addHelpText(
    "after",
    `
Examples:
  assay run audit.yaml --shard 1/2 --out runs/shard-1
  assay run audit.yaml --shard 2/2 --out runs/shard-2
  assay merge runs/shard-* --out runs/all

What only all shards together can tell is computed now. Exit status as of assay run.`,
  )
  .action(async (folders: string[], { suite, ...options }: MergeOptions) => {
    const { mergeShards } = await import("#audit");
    const merged = mergeShards(folders, options.out);
    process.exitCode = await run(suite ?? merged.suite, {
      ...options,
      hash: merged.hash,
      set: [...merged.set],
    });
  });
