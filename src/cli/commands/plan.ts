import { Command } from "commander";
import { loadSuite, type Plan, planSuite, prepareSuite } from "#audit";
import { jsonText, line } from "#core";
import { tryModel } from "../first-run.ts";

export const planCommand = new Command("plan")
  .description(
    "check a suite, its data and its models, and list its cells and trials without running anything",
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
    const loaded = await loadSuite(file);
    const plan = planSuite(loaded);
    const all = [
      ...plan.cells.map(cellOf),
      ...plan.trials.map(({ id, candidate, repair, trial }) => ({
        id,
        candidate,
        repair,
        trial,
      })),
      ...plan.alongTraining.map(({ cell, epochs }) => ({
        ...cellOf(cell),
        id: `${cell.id} along the training, after about ${epochs} epochs`,
        epochs,
      })),
      ...plan.onSource.map((cell) => ({
        ...cellOf(cell),
        id: `${cell.id} on the source`,
        domain: "source",
      })),
    ];
    process.stdout.write(
      json
        ? jsonText(all)
        : `${all.map((c) => line(c.id)).join("\n")}\n${counts(plan)}\n`,
    );
    // What is planned is listed first: data may not be there yet.
    await prepareSuite(loaded, tryModel);
  });

/** What tells a cell from others. */
const cellOf = ({
  id,
  candidate,
  defense,
  attack,
  threatModel,
  norm,
  eps,
  adaptive,
}: Plan["cells"][number]) => ({
  id,
  candidate,
  defense,
  attack,
  threatModel,
  norm,
  eps,
  adaptive,
});

function counts({ cells, trials, alongTraining, onSource }: Plan): string {
  const epochs = alongTraining.reduce((sum, { epochs }) => sum + epochs, 0);
  return [
    `${cells.length} cells`,
    ...(trials.length > 0 ? [`${trials.length} trials`] : []),
    ...(epochs > 0 ? [`about ${epochs} cells along trainings`] : []),
    ...(onSource.length > 0 ? [`${onSource.length} cells on the source`] : []),
  ].join(", ");
}
