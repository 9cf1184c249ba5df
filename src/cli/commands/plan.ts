import { Command } from "commander";
import { checkReferences, loadSuite, planCells, planTrials } from "#audit";

export const planCommand = new Command("plan")
  .description(
    "check a suite and list its cells and trials without running anything",
  )
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
    const trials = planTrials(suite).map(
      ({ id, candidate, repair, trial }) => ({
        id,
        candidate,
        repair,
        trial,
      }),
    );
    const all = [...cells, ...trials];
    const count = [
      `${cells.length} cells`,
      ...(trials.length > 0 ? [`${trials.length} trials`] : []),
    ].join(", ");
    process.stdout.write(
      json
        ? `${JSON.stringify(all, null, 2)}\n`
        : `${all.map((c) => c.id).join("\n")}\n${count}\n`,
    );
  });
