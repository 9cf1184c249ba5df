import { Command } from "commander";
import { type Scan, scanModel } from "#audit";
import { coloursFor } from "../colour.ts";
import { exitCodes } from "../exit-codes.ts";

interface ScanOptions {
  readonly json?: boolean;
}

export const scanCommand = new Command("scan")
  .description("look for backdoors and cargo in a base before it is tuned")
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .option("--json", "print an object")
  .addHelpText(
    "after",
    `
Examples:
  assay scan base.onnx
  assay scan base.onnx --json

The exit status is 3 when a check failed.`,
  )
  .action(async (model: string, { json }: ScanOptions) => {
    const scan = await scanModel(model);
    process.stdout.write(
      json ? `${JSON.stringify(scan, null, 2)}\n` : scanText(scan),
    );
    if (scan.checks.some((c) => c.status === "failed"))
      process.exitCode = exitCodes.gateFailed;
  });

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
