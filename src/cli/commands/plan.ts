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
import { exitCodes } from "../exit-codes.ts";
import { tryModel } from "../first-run.ts";
import { forecastText } from "../forecast-text.ts";
import { suitesOf } from "../own-suite.ts";
import { oneByOne, requireApart } from "../several.ts";
import {
  folderOf,
  quickOption,
  type SmokeOptions,
  samplesOption,
  smokeOf,
} from "../smoke-options.ts";
import { noUseOption, setOption } from "../suite-options.ts";

interface PlanOptions extends EngineOptions, SmokeOptions {
  out?: string;
  use?: boolean;
  set?: string[];
  json?: boolean;
  estimate?: boolean;
  baseline?: string | false;
}

export const planCommand = new Command("plan")
  .argument(
    "[suites...]",
    "YAML files, or modules that export a suite; assay.yaml when left out",
  )
  .option(
    "--out <folder>",
    "folder of the run (default: runs/<name of the suite>); what is done there is not left to do",
  )
  .addOption(setOption())
  .addOption(samplesOption())
  .addOption(quickOption())
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
  assay plan
  assay plan suites/quick.yaml
  assay plan suites/quick.yaml --json
  assay plan suites/quick.yaml --quick --estimate
  assay plan suites/quick.yaml --estimate --json | jq .time

Times are what works took on this machine before; what it has never done is guessed.`,
  )
  .action(async (named: string[], options: PlanOptions) => {
    const suites = suitesOf(named);
    requireApart(suites, options);
    if (suites.length === 1) return plan(suites[0]!, options);
    process.exitCode = await oneByOne(suites, async (suite) => {
      await plan(suite, options);
      return exitCodes.passed;
    });
  });

async function plan(file: string, options: PlanOptions): Promise<void> {
  const { json, estimate: alone, engine, device } = options;
  const smoke = smokeOf(options);
  const loaded = await loadSuite(file, { ...options, smoke });
  const planned = planSuite(loaded);
  if (!smoke) baselineFor(loaded, options.baseline);
  const all = [
    ...planned.cells.map(cellOf),
    ...planned.decisions.flatMap(({ cells }) =>
      cells.map((cell) => ({
        ...cellOf(cell),
        id: `${cell.id} until the gate is decided`,
      })),
    ),
    ...planned.trials.map(({ id, candidate, repair, trial }) => ({
      id,
      candidate,
      repair,
      trial,
    })),
    ...planned.alongTraining.map(({ cell, epochs }) => ({
      ...cellOf(cell),
      id: `${cell.id} along the training, after about ${epochs} epochs`,
      epochs,
    })),
    ...planned.onSource.map((cell) => ({
      ...cellOf(cell),
      id: `${cell.id} on the source`,
      domain: "source",
    })),
  ];
  if (!alone)
    process.stdout.write(
      json
        ? jsonText(all)
        : `${all.map((c) => line(c.id)).join("\n")}\n${counts(planned)}\n`,
    );
  // What is planned is listed first: data may not be there yet.
  if (json && !alone) return void (await prepareSuite(loaded, tryModel));
  const out = folderOf(file, options);
  const foreseen = await forecast(loaded, planned, {
    out,
    engine: { engine, device },
    tryModel,
  });
  process.stdout.write(json ? jsonText(foreseen) : forecastText(foreseen));
}

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

function counts({
  cells,
  decisions,
  trials,
  alongTraining,
  onSource,
}: Plan): string {
  const epochs = alongTraining.reduce((sum, { epochs }) => sum + epochs, 0);
  const decided = decisions.flatMap((one) => one.cells).length;
  return [
    `${cells.length} cells`,
    ...(decided > 0 ? [`${decided} cells until the gate is decided`] : []),
    ...(trials.length > 0 ? [`${trials.length} trials`] : []),
    ...(epochs > 0 ? [`about ${epochs} cells along trainings`] : []),
    ...(onSource.length > 0 ? [`${onSource.length} cells on the source`] : []),
  ].join(", ");
}
