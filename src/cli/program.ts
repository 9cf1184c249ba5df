import { Command, CommanderError } from "commander";
import { AssayError, line, messageOf, packageVersion, UsageError } from "#core";
import { coloursFor } from "./colour.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { explainCommand } from "./commands/explain.ts";
import { hardenCommand } from "./commands/harden.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { listCommand } from "./commands/list.ts";
import { mergeCommand } from "./commands/merge.ts";
import { planCommand } from "./commands/plan.ts";
import { reportCommand } from "./commands/report.ts";
import { runCommand } from "./commands/run.ts";
import { scanCommand } from "./commands/scan.ts";
import { validateCommand } from "./commands/validate.ts";
import { workerCommand } from "./commands/worker.ts";
import { exitCodes } from "./exit-codes.ts";

const program = new Command("assay")
  .description(
    "Audits fine-tuned ONNX models: fine-tune, attack, defend, report.",
  )
  .version(packageVersion())
  .showHelpAfterError("(assay --help shows the usage)");
for (const command of [
  runCommand,
  mergeCommand,
  reportCommand,
  validateCommand,
  planCommand,
  workerCommand,
  inspectCommand,
  scanCommand,
  listCommand,
  explainCommand,
  hardenCommand,
  doctorCommand,
]) {
  program.addCommand(command.exitOverride());
}
program.exitOverride();

// Nobody is left to print for when main.ts was killed.
process.on("disconnect", () => process.exit());
// That may have been before this line.
if (process.connected === false) process.exit();
process.channel?.unref();

// A reader such as `head` may close the pipe early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints an error as a line and a hint, and returns the exit status. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.passed : exitCodes.usage;
  }
  const label = coloursFor(process.stderr).red("error");
  if (error instanceof AssayError) {
    process.stderr.write(`${label}: ${error.message}\n  ${error.hint}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.runError;
  }
  process.stderr.write(
    `${label}: unexpected: ${line(messageOf(error))}\n  This is a fault in Assay; set ASSAY_DEBUG=1 to see where.\n`,
  );
  if (process.env.ASSAY_DEBUG && error instanceof Error)
    process.stderr.write(
      `${(error.stack ?? "").split("\n").map(line).join("\n")}\n`,
    );
  return exitCodes.runError;
}
