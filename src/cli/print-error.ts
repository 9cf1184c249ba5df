import { AssayError, line, messageOf, UsageError } from "#core";
import { coloursFor } from "./colour.ts";
import { exitCodes } from "./exit-codes.ts";

/** Prints an error as a line and a hint, and returns the exit status. */
export function printError(error: unknown): number {
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
