import { Argument, Command } from "commander";
import { type CatalogEntry, catalog, withoutFunctions } from "#audit";
import { jsonText } from "#core";
import type { Units } from "#units";
import { columns } from "../format.ts";
import { reportersOf } from "../reporters.ts";
import { unitsOf, useOption } from "../use-options.ts";

/** All that there is to name, by suites and by the command line, with these units. */
const lists: Readonly<Record<string, (units: Units) => CatalogEntry[]>> = {
  ...catalog,
  reporters: (units) =>
    reportersOf(units).map((reporter) => ({
      ...withoutFunctions(reporter),
      sends: reporter.send !== undefined,
    })),
};

export const listCommand = new Command("list")
  .addArgument(new Argument("<kind>").choices(Object.keys(lists)))
  .addOption(useOption())
  .option("--json", "print an array of objects, with parameters and references")
  .addHelpText(
    "after",
    `
Examples:
  assay list attacks
  assay list attacks --use ./my-attack.mjs
  assay list defenses --json`,
  )
  .action(
    async (
      kind: string,
      { json, use }: { json?: boolean; use: readonly string[] },
    ) => {
      const entries = lists[kind]?.(await unitsOf(use)) ?? [];
      process.stdout.write(json ? jsonText(entries) : `${table(entries)}\n`);
    },
  );

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
    "module",
  ].filter((key) => entries.some((e) => key in e));
  return columns([
    keys,
    ...entries.map((e) => keys.map((key) => [e[key] ?? ""].flat().join(" "))),
  ]);
}
