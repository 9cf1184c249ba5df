import { basename, extname, join } from "node:path";
import { Command } from "commander";
import {
  baselineFor,
  forecast,
  loadSuite,
  type Plan,
  planSuite,
  prepareSuite,
} from "#audit";
import { jsonText, line } from "#core";
import { baselineOption, noBaselineOption } from "../baseline-options.ts";
import {
  deviceOption,
  type EngineOptions,
  engineOption,
} from "../engine-options.ts";
import { tryModel } from "../first-run.ts";
import { forecastText } from "../forecast-text.ts";
import { noUseOption, setOption } from "../suite-options.ts";

interface PlanOptions extends EngineOptions {
  out?: string;
  use?: boolean;
  set?: string[];
  json?: boolean;
  estimate?: boolean;
  baseline?: string | false;
}

export const planCommand = new Command("plan")
  .argument("<suite>", "YAML file, or a module that exports a suite")
  .option(
    "--out <folder>",
    "folder of the run (default: runs/<name of the suite>); what is done there is not left to do",
  )
  .addOption(setOption())
  .addOption(noUseOption())
  .addOption(engineOption())
  .addOption(deviceOption())
  .addOption(baselineOption())
  .addOption(noBaselineOption())
  .option("--json", "print an array of objects")
  .option("--estimate", "print works and times only; with --json an object")
  .addHelpText(
    "after",
    `
Examples:
  assay plan suites/quick.yaml
  assay plan suites/quick.yaml --json
  assay plan suites/quick.yaml --estimate --json | jq .time

Times are what works took on this machine before; what it has never done is guessed.`,
  )
  .action(async (file: string, options: PlanOptions) => {
    const { json, estimate: alone, engine, device } = options;
    const loaded = await loadSuite(file, options);
    const plan = planSuite(loaded);
    baselineFor(loaded, options.baseline);
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
    if (!alone)
      process.stdout.write(
        json
          ? jsonText(all)
          : `${all.map((c) => line(c.id)).join("\n")}\n${counts(plan)}\n`,
      );
    // What is planned is listed first: data may not be there yet.
    if (json && !alone) return void (await prepareSuite(loaded, tryModel));
    const out = options.out ?? join("runs", basename(file, extname(file)));
    const foreseen = await forecast(loaded, plan, {
      out,
      engine: { engine, device },
      tryModel,
    });
    process.stdout.write(json ? jsonText(foreseen) : forecastText(foreseen));
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
