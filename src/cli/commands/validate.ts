import { Command } from "commander";
import { loadSuite, planSuite, suiteText } from "#audit";
import { AssayError, line } from "#core";
import { exitCodes } from "../exit-codes.ts";
import { suitesOf } from "../own-suite.ts";
import { noUseOption, setOption } from "../suite-options.ts";

interface ValidateOptions {
  readonly use?: boolean;
  readonly set?: string[];
  readonly print?: boolean;
}

export const validateCommand = new Command("validate")
  .argument(
    "[suites...]",
    "YAML files, or modules that export a suite; assay.yaml when left out",
  )
  .option("--print", "print what a suite comes to with all that it extends")
  .addOption(setOption())
  .addOption(noUseOption())
  .addHelpText(
    "after",
    `
Examples:
  assay validate
  assay validate suites/*.yaml
  assay validate assay.yaml --set candidates.full.epochs=3 --print

Every fault of every suite is printed. assay plan opens data and models as well.
Exit status: 0 when all are valid, 2 otherwise.`,
  )
  .action(async (suites: string[], options: ValidateOptions) => {
    for (const file of suitesOf(suites)) {
      try {
        const loaded = await loadSuite(file, options);
        const { cells, trials } = planSuite(loaded);
        const valid = line(
          `${file}: valid, ${cells.length} cells and ${trials.length} trials`,
        );
        process.stdout.write(
          options.print ? `# ${valid}\n${suiteText(loaded)}` : `${valid}\n`,
        );
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        process.stderr.write(`error: ${error.message}\n  ${error.hint}\n`);
        process.exitCode = exitCodes.usage;
      }
    }
  });
