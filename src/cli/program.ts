import { Command, CommanderError } from "commander";
import { packageVersion } from "#core";
import { commands } from "./commands.ts";
import { exitCodes } from "./exit-codes.ts";
import { printError } from "./print-error.ts";

const program = new Command("assay")
  .description(
    "Audits fine-tuned ONNX models: fine-tune, attack, defend, report.",
  )
  .version(packageVersion())
  .configureHelp({ subcommandTerm: (command) => command.name() })
  .showHelpAfterError("(assay --help shows the usage)");
const asked = process.argv
  .slice(2)
  .find((word) => word !== "help" && !word.startsWith("-"));
for (const [name, description, load] of commands) {
  const command = name === asked ? await load() : new Command(name);
  program.addCommand(command.description(description).exitOverride());
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

/** The exit status after an error, which is printed. */
function report(error: unknown): number {
  if (!(error instanceof CommanderError)) return printError(error);
  return error.exitCode === 0 ? exitCodes.passed : exitCodes.usage;
}
