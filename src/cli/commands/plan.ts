import { Command } from "commander";
import { checkReferences, loadSuite, planCells } from "#audit";

export const planCommand = new Command("plan")
  .description("check a suite and list its cells without running anything")
  .argument("<suite>", "YAML file, or a module that exports a suite")
  .option("--json", "print an array of objects")
  .addHelpText(
    "after",
    `
Examples:
  assay plan suites/quick.yaml
  assay plan suites/quick.yaml --json`,
  )
  .action(async (file: string, { json }: { json?: boolean }) => {
    const { suite } = await loadSuite(file);
    checkReferences(suite, file);
    const cells = planCells(suite).map(
      ({
        id,
        candidate,
        defense,
        attack,
        threatModel,
        norm,
        eps,
        adaptive,
      }) => ({
        id,
        candidate,
        defense,
        attack,
        threatModel,
        norm,
        eps,
        adaptive,
      }),
    );
    process.stdout.write(
      json
        ? `${JSON.stringify(cells, null, 2)}\n`
        : `${cells.map((c) => c.id).join("\n")}\n${cells.length} cells\n`,
    );
  });
