import { Command } from "commander";
import { loadSuite, type Scan, scanModel, writeScan } from "#audit";
import { jsonText, line, lines } from "#core";
import { openEngine } from "#engine";
import { coloursFor } from "../colour.ts";
import {
  deviceOption,
  type EngineOptions,
  engineOption,
} from "../engine-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { tryModel } from "../first-run.ts";
import { noUseOption } from "../suite-options.ts";

interface ScanOptions extends EngineOptions {
  readonly suite?: string;
  readonly use?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export const scanCommand = new Command("scan")
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .option(
    "--suite <file>",
    "a suite with clean data, on which triggers are looked for",
  )
  .addOption(noUseOption())
  .option("--out <folder>", "write scan.json, and the triggers as pictures")
  .option("--json", "print an object")
  .addOption(engineOption())
  .addOption(deviceOption())
  .addHelpText(
    "after",
    `
Examples:
  assay scan base.onnx
  assay scan base.onnx --json
  assay scan base.onnx --suite suites/demo.yaml --out runs/scan

The exit status is 3 when a check failed.`,
  )
  .action(
    async (
      model: string,
      { json, suite, use, out, ...chosen }: ScanOptions,
    ) => {
      const engine = await openEngine({
        ...chosen,
        onWarning: (message) => process.stderr.write(`${line(message)}\n`),
      });
      const loaded =
        suite === undefined ? undefined : await loadSuite(suite, { use });
      await tryModel(model, {}, true);
      const found = await scanModel(model, engine, loaded);
      const { scan } = found;
      if (out !== undefined) writeScan(out, found);
      process.stdout.write(json ? jsonText(scan) : scanText(lines(scan)));
      if (scan.checks.some((c) => c.status === "failed"))
        process.exitCode = exitCodes.gateFailed;
    },
  );

/** A line for each check, with what was seen below those that did not pass. */
function scanText({ checks, notes }: Scan): string {
  const pc = coloursFor(process.stdout);
  const colours = { passed: pc.green, warned: pc.yellow, failed: pc.red };
  const lines = checks.flatMap(({ title, status, message }) => [
    `${colours[status](status)}  ${title}`,
    ...(status === "passed" ? [] : [`        ${message}`]),
  ]);
  const count = (status: string) =>
    checks.filter((c) => c.status === status).length;
  const sum = `${count("failed")} failed, ${count("warned")} warned, ${count("passed")} passed`;
  return `${[...lines, ...notes.map((n) => `- ${n}`), sum].join("\n")}\n`;
}
