import { Command } from "commander";
import { jsonText } from "#core";
import { coloursFor } from "../colour.ts";
import { type Finding, findings } from "../doctor.ts";
import { exitCodes } from "../exit-codes.ts";
import { columns } from "../format.ts";

export const doctorCommand = new Command("doctor")
  .option("--json", "print an array of objects")
  .addHelpText(
    "after",
    `
Examples:
  assay doctor
  assay doctor --json | jq '.[] | select(.state != "good")'

It takes a few seconds, and leaves nothing behind. Exit status: 1 when an audit cannot run
here, 0 otherwise.`,
  )
  .action(async ({ json }: { json?: boolean }) => {
    const found = await findings();
    process.stdout.write(json ? jsonText(found) : `${text(found)}\n`);
    if (found.some(({ state }) => state === "bad"))
      process.exitCode = exitCodes.runError;
  });

const marks = { good: "ok", absent: "-", slow: "slow", bad: "bad" } as const;

function text(found: readonly Finding[]): string {
  const { green, yellow, red, dim } = coloursFor(process.stdout);
  const paint = { good: green, absent: dim, slow: yellow, bad: red };
  const lines = columns(
    found.map(({ state, what, seen }) => [marks[state], what, seen]),
  ).split("\n");
  return found
    .flatMap(({ state, advice }, i) => [
      lines[i]!.replace(marks[state], paint[state]),
      ...(advice ? [`      ${advice}`] : []),
    ])
    .join("\n");
}
