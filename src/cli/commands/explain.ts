import { Command } from "commander";
import { catalog } from "#audit";
import { errorPlaces, jsonText, nearest, UsageError } from "#core";
import type { Units } from "#units";
import {
  codeExplanation,
  type Explained,
  explanation,
} from "../explanation.ts";
import { unitsOf, useOption } from "../use-options.ts";

export const explainCommand = new Command("explain")
  .argument("<name>", "its id, as assay list, a suite or a report has it")
  .addOption(useOption())
  .option("--json", "print an array of objects")
  .addHelpText(
    "after",
    `
Examples:
  assay explain pgd
  assay explain gradient-agrees     # a trust check: what its failure means, and what to do
  assay explain fine-pruning
  assay explain SHARDS              # an error code`,
  )
  .action(
    async (
      name: string,
      { json, use }: { json?: boolean; use: readonly string[] },
    ) => {
      if (/^[A-Z][A-Z0-9_]+$/.test(name)) return explainCode(name, json);
      const found = named(name, await unitsOf(use));
      process.stdout.write(
        json ? jsonText(found) : `${found.map(explanation).join("\n\n")}\n`,
      );
    },
  );

/** What an error code says, and what to do. */
function explainCode(code: string, json: boolean | undefined): void {
  const all = errorPlaces();
  const places = all.filter((place) => place.code === code);
  if (places.length === 0) {
    const meant = nearest(
      code,
      all.map((place) => place.code),
    );
    throw new UsageError(
      "NAME_UNKNOWN",
      `no error has the code ${code}`,
      meant
        ? `Did you mean ${meant}?`
        : "Errors have their code in results.json.",
    );
  }
  process.stdout.write(
    json ? jsonText(places) : `${codeExplanation(code, places)}\n`,
  );
}

/** All of that id, since a name may be that of an attack and of a schedule. */
function named(name: string, units: Units): Explained[] {
  const all = Object.entries(catalog).flatMap(([kind, entries]) =>
    entries(units).map((entry) => ({ ...entry, kind: singular(kind) })),
  );
  const found = all.filter(({ id }) => id === name);
  if (found.length > 0) return found;
  const meant = nearest(
    name,
    all.map(({ id }) => id),
  );
  throw new UsageError(
    "NAME_UNKNOWN",
    `nothing is called ${JSON.stringify(name)}`,
    meant
      ? `Did you mean ${meant}? assay list prints all of a kind.`
      : `assay list prints all of a kind: ${Object.keys(catalog).join(", ")}.`,
  );
}

const singular = (kind: string) =>
  kind
    .replace(/ies$/, "y")
    .replace(/s$/, "")
    .replace(/^check$/, "trust check");
