import { Command } from "commander";
import { loadSuite, planSuite } from "#audit";
import { AssayError, line } from "#core";
import { exitCodes } from "../exit-codes.ts";
import { noUseOption } from "../use-option.ts";

export const validateCommand = new Command("validate")
  .argument("<suites...>", "YAML files, or modules that export a suite")
  .addOption(noUseOption())
  .addHelpText(
    "after",
    `
Examples:
  assay validate assay.yaml
  assay validate suites/*.yaml

Every fault of every suite is printed. assay plan opens data and models as well.
Exit status: 0 when all are valid, 2 otherwise.`,
  )
  .action(async (suites: string[], { use }: { readonly use?: boolean }) => {
    for (const file of suites) {
      try {
        const { cells, trials } = planSuite(await loadSuite(file, { use }));
        process.stdout.write(
          line(
            `${file}: valid, ${cells.length} cells and ${trials.length} trials`,
          ).concat("\n"),
        );
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        process.stderr.write(`error: ${error.message}\n  ${error.hint}\n`);
        process.exitCode = exitCodes.usage;
      }
    }
  });
