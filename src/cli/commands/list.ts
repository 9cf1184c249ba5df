import { Argument, Command } from "commander";
import { type CatalogEntry, catalog } from "#audit";
import { jsonText } from "#core";
import { reporters } from "#reports";
import { columns } from "../format.ts";

/** All that there is to name, suites and the command line together. */
const kinds: typeof catalog = {
  ...catalog,
  reporters: () =>
    reporters.map(({ render: _, send, ...meta }) => ({
      ...meta,
      sends: send !== undefined,
    })),
};

export const listCommand = new Command("list")
  .description(
    "what a suite or the command line can name: attacks, defenses, suites, reporters, ...",
  )
  .addArgument(new Argument("<kind>").choices(Object.keys(kinds)))
  .option("--json", "print an array of objects, with parameters and references")
  .addHelpText(
    "after",
    `
Examples:
  assay list attacks
  assay list defenses --json`,
  )
  .action((kind: string, { json }: { json?: boolean }) => {
    const entries = kinds[kind]?.() ?? [];
    process.stdout.write(json ? jsonText(entries) : `${table(entries)}\n`);
  });

/** Plain metadata as columns; nested metadata is for --json. */
function table(entries: readonly CatalogEntry[]): string {
  const keys = [
    "id",
    "title",
    "kind",
    "access",
    "norms",
    "file",
    "reference",
  ].filter((key) => entries.some((e) => key in e));
  return columns([
    keys,
    ...entries.map((e) => keys.map((key) => [e[key] ?? ""].flat().join(" "))),
  ]);
}
